"""The theme of a page: light, dark, or as the viewer's system has it.

A browser keeps the choice in a cookie, which kit/theme.js writes. The document has it from its
first byte, so that no page begins in another theme.
"""

from contextvars import ContextVar
from typing import Final

from dashboard.language.words import N_

COOKIE: Final = "moodline_theme"
SYSTEM: Final = ""
NAMES: Final = {SYSTEM: N_("As the system"), "light": N_("Light"), "dark": N_("Dark")}
"""The choices of a viewer, by the value of the cookie."""
_theme: ContextVar[str] = ContextVar("moodline_theme", default=SYSTEM)


def set_theme(chosen: str) -> None:
    """Set the theme of the request. chosen: the cookie's value; an unknown one is SYSTEM."""
    _theme.set(chosen if chosen in NAMES else SYSTEM)


def current_theme() -> str:
    """Return the theme of the request."""
    return _theme.get()


def colour_schemes(theme: str) -> str:
    """Return the value of <meta name="color-scheme">: the colour before the style sheet is read."""
    return theme or "light dark"
