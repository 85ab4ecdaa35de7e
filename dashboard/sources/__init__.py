"""The page Sources: where live pictures come from, how each is, and what was lost."""

from typing import Final

from dash import html

from dashboard.sources.routes import routes
from dashboard.web.access import Role, present
from dashboard.web.page import Page, Visit, attributes


def _layout(_visit: Visit) -> html.Div:
    operator = present().role.covers(Role.OPERATOR)
    return html.Div(id="sources-page", **attributes(data_operator="yes" if operator else ""))


SOURCES: Final = Page(path="sources", name="Sources", layout=_layout, routes=routes)
