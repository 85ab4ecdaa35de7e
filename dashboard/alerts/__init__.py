"""The page Alerts: open alerts, rules, who is told, and the history."""

from typing import Final

from dash import html

from dashboard.alerts.routes import routes
from dashboard.language.words import N_
from dashboard.web.page import Page, Visit, attributes
from serving.access import Role, current_account
from serving.shares import CALLBACK


def _layout(visit: Visit) -> html.Div:
    role = current_account().role
    return html.Div(
        id="alerts-page",
        **attributes(
            data_operator="yes" if role.covers(Role.OPERATOR) else "",
            data_admin="yes" if role.covers(Role.ADMIN) else "",
            data_zone=str(visit.backend.settings.timezone),
        ),
    )


ALERTS: Final = Page(
    path="alerts",
    name=N_("Alerts"),
    layout=_layout,
    routes=routes,
    work=(("POST preview", CALLBACK),),
)
