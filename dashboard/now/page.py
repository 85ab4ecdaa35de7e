"""The layout of the page Now. assets/now/ draws its tiles from the events of its routes."""

from typing import Final

from dash import html

from dashboard.language.words import N_, _
from dashboard.now.routes import routes
from dashboard.web.page import Page, Visit, attributes
from serving.access import Role, current_account
from serving.shares import STREAM


def layout(visit: Visit) -> html.Div:
    """Return the page without tiles; the first event fills it within a second."""
    account = current_account()
    return html.Div(
        [
            html.P(_("Looking for live sources …"), id="now-summary", className="lead now-summary"),
            html.Div(id="now-link", className="trouble", role="alert"),
            html.Div(id="now-tools", className="toolbar", hidden=True),
            html.Section(
                id="now-tiles", className="tiles", **attributes(aria_label=_("Live sources"))
            ),
            html.Section(
                id="now-day",
                className="panel now-day",
                hidden=True,
                **attributes(aria_label=_("The last 24 hours")),
            ),
            html.Section(id="now-welcome", hidden=True),
        ],
        id="now",
        **attributes(
            data_operator="yes" if account.role.covers(Role.OPERATOR) else "",
            data_pictures=str(visit.backend.settings.live_view),
        ),
    )


NOW: Final = Page(
    path="now", name=N_("Now"), layout=layout, routes=routes, work=(("GET (events|room)", STREAM),)
)
