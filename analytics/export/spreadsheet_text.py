"""Text for the cells of CSV files."""

from typing import Final

from runtime.visible_text import visible

_FORMULA_STARTS: Final = frozenset("=+-@\t\r\n＝＋－＠")


def spreadsheet_text(text: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula, with ' before it if needed.

    Control characters are shown as escapes: a carriage return would begin a row. Only for text:
    numbers stay as they are. Source: OWASP, CSV injection.
    """
    return f"'{visible(text)}" if text[:1] in _FORMULA_STARTS else visible(text)
