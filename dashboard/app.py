"""The dashboard as an ASGI application: Dash on FastAPI, behind the guard."""

import re
from pathlib import Path
from typing import Any, Final, cast

from dash import Dash
from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import PlainTextResponse, RedirectResponse
from sqlalchemy import Engine

from contracts.errors import SettingsError
from dashboard.guard import HEALTH, Guard, security_headers
from dashboard.trends_callbacks import add_callbacks
from dashboard.trends_page import layout

_PREFIX: Final = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*")
_INDEX: Final = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <meta name="color-scheme" content="light dark">
    <title>{%title%}</title>
    {%favicon%}
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <noscript>The dashboard needs JavaScript; it comes from this host alone.</noscript>
    {%config%}{%scripts%}{%renderer%}
  </body>
</html>
"""


def create_app(engine: Engine, *, prefix: str = "/", password: str = "") -> FastAPI:
    """The pages under `prefix`, and /healthz. Raises SettingsError for a bad prefix.

    Without a password it answers under this host's own names only; with one it asks for it.
    """
    if not _PREFIX.fullmatch(prefix):
        raise SettingsError(
            f"{prefix!r} is no prefix of addresses", hint="Example: /moodline/, or / for none"
        )
    pages, headers = _pages(engine, prefix)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get(HEALTH)
    def health() -> PlainTextResponse:
        return PlainTextResponse("ok")

    if prefix != "/":

        @app.get("/")
        def home() -> RedirectResponse:
            return RedirectResponse(prefix)

    app.mount("/", pages)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)
    app.add_middleware(Guard, headers=headers, password=password)
    return app


def _pages(engine: Engine, prefix: str) -> tuple[FastAPI, dict[str, str]]:
    """Dash on an application of its own, and the headers that fit its scripts.

    It is mounted: so Dash's hooks into an application's start, which answer any path and read the
    environment, never run.
    """
    server = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    dash = Dash(
        __name__,
        server=cast(Any, server),  # Its types know Flask only.
        url_base_pathname=prefix,
        assets_folder=str(Path(__file__).parent / "assets"),
        pages_folder="",
        use_pages=False,
        include_assets_files=True,
        serve_locally=True,
        compress=False,
        index_string=_INDEX,
        title="Trends · moodline",
        update_title="",
        add_log_handler=False,
        suppress_callback_exceptions=True,  # Else the page has its layout twice.
        enable_mcp=False,
    )
    dash.enable_dev_tools(debug=False)
    # No callback uses one: the page would open a websocket all the same, and be refused.
    dash.backend.websocket_capability = False
    dash.layout = layout
    add_callbacks(dash, engine)
    return server, security_headers(dash.csp_hashes())
