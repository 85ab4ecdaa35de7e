"""The page Recordings: uploads, the queue of runs, and the results of one run."""

from typing import Final

from dash import html

from dashboard.language.words import N_
from dashboard.recordings.routes import routes
from dashboard.web.page import Page, Visit, attributes
from records.uploads.uploads import MAX_CHUNK_BYTES
from serving.access import Role, current_account
from serving.downloads import has_parquet
from serving.shares import CHECK, HEAVY, TRANSFER, UPLOAD


def _layout(visit: Visit) -> html.Div:
    operator = current_account().role.covers(Role.OPERATOR)
    return html.Div(
        id="recordings",
        **attributes(
            data_operator="yes" if operator else "",
            data_run=visit.rest,
            data_parquet="yes" if has_parquet() else "",
        ),
    )


RECORDINGS: Final = Page(
    path="recordings",
    name=N_("Recordings"),
    layout=_layout,
    routes=routes,
    deep=True,
    max_body_bytes=MAX_CHUNK_BYTES,
    work=(
        ("GET (run/[^/]+/(csv|parquet|summary)|export/(csv|parquet))", HEAVY),
        ("POST (run/[^/]+/time|bulk/delete)", HEAVY),
        ("GET run/[^/]+/(media|annotated)", TRANSFER),
        ("PUT upload/[^/]+", UPLOAD),
        ("POST (folder|upload/[^/]+/finish)", CHECK),
    ),
)
