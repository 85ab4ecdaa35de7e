"""The theme of a page: light, dark, or as the viewer's system has it.

A browser keeps the choice in a cookie, which kit/theme.js writes. The document has it from its
first byte, so that no page begins in another theme.
"""

from contextvars import ContextVar
from typing import Final

from dash import html

from dashboard.language.words import N_, _
from dashboard.web.page import attributes

COOKIE: Final = "moodline_theme"
SYSTEM: Final = ""
_NAMES: Final = {SYSTEM: N_("As the system"), "light": N_("Light"), "dark": N_("Dark")}
_theme: ContextVar[str] = ContextVar("moodline_theme", default=SYSTEM)


def set_theme(chosen: str) -> None:
    """Set the theme of the request. chosen: the cookie's value; an unknown one is SYSTEM."""
    _theme.set(chosen if chosen in _NAMES else SYSTEM)


def current_theme() -> str:
    """Return the theme of the request."""
    return _theme.get()


def colour_schemes(theme: str) -> str:
    """Return the value of <meta name="color-scheme">: the colour before the style sheet is read."""
    return theme or "light dark"


def theme_buttons() -> html.Div:
    """Return a button for each theme; kit/theme.js presses the current one."""
    buttons = [
        html.Button(
            _(name),
            type="button",
            value=theme,
            **attributes(aria_pressed="false"),
        )
        for theme, name in _NAMES.items()
    ]
    return html.Div(
        buttons, className="languages themes", role="group", **attributes(aria_label=_("Theme"))
    )
