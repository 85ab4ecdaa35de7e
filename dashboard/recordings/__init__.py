"""The page Recordings: send them, queue them, and see what was read in each."""

from typing import Final

from dash import html

from dashboard.recordings.routes import routes
from dashboard.web.access import Role, present
from dashboard.web.page import Page, Visit, attributes
from records.uploads import CHUNK


def _layout(visit: Visit) -> html.Div:
    operator = present().role.covers(Role.OPERATOR)
    return html.Div(
        id="recordings",
        **attributes(data_operator="yes" if operator else "", data_run=visit.rest),
    )


RECORDINGS: Final = Page(
    path="recordings",
    name="Recordings",
    layout=_layout,
    routes=routes,
    deep=True,
    most_body=CHUNK,
)
