"""The page Your account: password, second factor and sessions of the signed-in user."""

from typing import Final

from dash import html

from dashboard.account.routes import routes
from dashboard.language.words import N_
from dashboard.web.page import Page, Visit
from serving.access import Role


def _layout(_visit: Visit) -> html.Div:
    return html.Div(id="account-page")


ACCOUNT: Final = Page(
    path="account",
    name=N_("Your account"),
    layout=_layout,
    routes=routes,
    changes=Role.VIEWER,
    in_menu=False,
)
