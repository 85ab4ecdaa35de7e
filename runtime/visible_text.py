"""Visible text: names and messages from outside, without characters that steer what shows them.

A file or a camera chooses its name. ESC sequences in it would move a terminal's cursor or change
its title, a line end would forge a line of the log, and a bidi override would turn the text around.
"""

import re
from typing import Final

_STEERING: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL and C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi marks, overrides and isolates
    "\u2028\u2029"  # line and paragraph separators
    "\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f"  # invisible, also as hidden messages
    "\ud800-\udfff]"  # bytes of a file name that are not UTF-8
)


def visible(text: str) -> str:
    r"""Return the text with each steering character as an escape, such as \x1b or \n."""
    return _STEERING.sub(_escape, text)


def visible_lines(text: str) -> str:
    """Return the text as `visible`, but keep its line ends."""
    return "\n".join(map(visible, text.split("\n")))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
