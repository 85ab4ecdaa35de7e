"""The page Sources: the live sources, their state and their last 24 hours."""

from typing import Final

from dash import html

from dashboard.sources.routes import routes
from dashboard.web.page import Page, Visit, attributes
from serving.access import Role, current_account
from serving.shares import CHECK


def _layout(_visit: Visit) -> html.Div:
    role = current_account().role
    return html.Div(
        id="sources-page",
        **attributes(
            data_operator="yes" if role.covers(Role.OPERATOR) else "",
            data_admin="yes" if role.covers(Role.ADMIN) else "",
        ),
    )


SOURCES: Final = Page(
    path="sources",
    name="Sources",
    layout=_layout,
    routes=routes,
    work=(("POST test", CHECK),),
)
