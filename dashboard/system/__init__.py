"""The page System & privacy: services, storage and retention, erasure, audit and the notice."""

from typing import Final

from dash import html

from dashboard.language.words import N_
from dashboard.system.routes import routes
from dashboard.web.page import Page, Visit, attributes
from serving.access import Role, current_account


def _layout(_visit: Visit) -> html.Div:
    admin = current_account().role.covers(Role.ADMIN)
    return html.Div(id="system", **attributes(data_admin="yes" if admin else ""))


SYSTEM: Final = Page(path="system", name=N_("System & privacy"), layout=_layout, routes=routes)
