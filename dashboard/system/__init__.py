"""The page System and privacy: what runs, what is stored and for how long, and how it is erased."""

from typing import Final

from dash import html

from dashboard.system.routes import routes
from dashboard.web.access import Role, present
from dashboard.web.page import Page, Visit, attributes


def _layout(_visit: Visit) -> html.Div:
    admin = present().role.covers(Role.ADMIN)
    return html.Div(id="system", **attributes(data_admin="yes" if admin else ""))


SYSTEM: Final = Page(path="system", name="System & privacy", layout=_layout, routes=routes)
