"""The page Wall: the live sources on a whole screen, for days. assets/wall/ draws it."""

from typing import Final

from dash import html

from dashboard.language.words import N_, _
from dashboard.web.page import Page, Visit, attributes


def layout(visit: Visit) -> html.Div:
    """Return the page without tiles. Its script fills it from the event stream of the page Now."""
    return html.Div(
        [
            html.Div(id="wall-message", className="wall-message", role="alert", hidden=True),
            html.Section(
                id="wall-tiles", className="wall-tiles", **attributes(aria_label=_("Live sources"))
            ),
            html.Div(
                [
                    html.P(_("Looking for live sources …"), id="wall-summary"),
                    html.P(id="wall-part"),
                    html.P(id="wall-clock", className="wall-clock"),
                ],
                className="wall-foot",
            ),
        ],
        id="wall",
        **attributes(data_pictures=str(visit.backend.settings.live_view)),
    )


WALL: Final = Page(path="wall", name=N_("Wall"), layout=layout, in_menu=False)
