"""The page Sources: the live sources with their state; and below it, a page for each source."""

from typing import Final
from urllib.parse import unquote

from dash import html

from dashboard.language.words import N_
from dashboard.sources.routes import routes
from dashboard.web.page import Page, Visit, attributes
from runtime.visible_text import visible
from serving.access import Role, current_account
from serving.shares import CALLBACK, CHECK


def _layout(visit: Visit) -> html.Div:
    role = current_account().role
    return html.Div(
        id="sources-page",
        **attributes(
            data_operator="yes" if role.covers(Role.OPERATOR) else "",
            data_admin="yes" if role.covers(Role.ADMIN) else "",
            data_pictures=str(visit.backend.settings.live_view),
            data_source=unquote(visit.rest),
        ),
    )


def _heading(rest: str) -> str:
    return visible(unquote(rest))


SOURCES: Final = Page(
    path="sources",
    name=N_("Sources"),
    layout=_layout,
    routes=routes,
    deep=True,
    heading=_heading,
    work=(("POST test", CHECK), ("GET one", CALLBACK)),
)
