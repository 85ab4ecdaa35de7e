"""The dashboard as an ASGI application: Dash on FastAPI, behind the guard."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

from dash import Dash
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import DatabaseError, MoodlineError, SettingsError
from dashboard.now import NOW
from dashboard.recordings import RECORDINGS
from dashboard.sources import SOURCES
from dashboard.system import SYSTEM
from dashboard.trends import TRENDS
from dashboard.try_image import TRY_IMAGE
from dashboard.web.access import NotAllowedError, Role, require
from dashboard.web.backend import Backend
from dashboard.web.bundle import BELOW, PLOTLY_ASKED, Bundle, plotly
from dashboard.web.compression import STATIC, Packed
from dashboard.web.guard import HEALTH, Guard, security_headers
from dashboard.web.page import BusyError, Page
from dashboard.web.shell import add_router, page_at, shell
from dashboard.web.sign_in import SignIn, sign_in_routes

PAGES: Final = (NOW, TRENDS, RECORDINGS, TRY_IMAGE, SOURCES, SYSTEM)
"""In the order of the navigation; the first one is where it opens."""
_ASSETS: Final = Path(__file__).parent / "assets"
_KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_KEPT_A_DAY: Final = {"Cache-Control": "public, max-age=86400"}
_PREFIX: Final = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*")
_NOT_FOUND: Final = HTTPStatus.NOT_FOUND
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


def create_app(backend: Backend, *, prefix: str = "/", sign_in: bool = False) -> FastAPI:
    """The pages under `prefix`, and /healthz. Raises SettingsError for a bad prefix.

    Where nobody has to sign in it answers under this host's own names only, and to an admin.
    """
    if not _PREFIX.fullmatch(prefix):
        raise SettingsError(
            f"{prefix!r} is no prefix of addresses", hint="Example: /moodline/, or / for none"
        )
    bundle = Bundle(prefix, _ASSETS)
    pages, headers = _pages(backend, prefix, bundle)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_exception_handler(MoodlineError, _refused)
    app.add_exception_handler(RequestValidationError, _misread)

    @app.get(HEALTH)
    def health() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/")
    @app.get(prefix)
    def home() -> RedirectResponse:
        return RedirectResponse(prefix + PAGES[0].path)

    charts = plotly()

    @app.get(prefix + PLOTLY_ASKED)
    def charts_script() -> Response:
        return Response(charts, media_type="text/javascript", headers=_KEPT_A_DAY)

    @app.get(prefix + BELOW + "dash_renderer.{digest}.js")
    def script(digest: str) -> Response:
        return _bundled(bundle.file(f"dash_renderer.{digest}.js"), "text/javascript")

    @app.get(prefix + BELOW + "moodline.{digest}.css")
    def sheet(digest: str) -> Response:
        return _bundled(bundle.file(f"moodline.{digest}.css"), "text/css")

    entrance = None
    if sign_in:
        entrance = SignIn(backend.engine, prefix, backend.settings.dashboard_password)
        app.include_router(sign_in_routes(entrance), prefix=prefix[:-1])
    for page in PAGES:
        if page.routes is not None:
            app.include_router(
                page.routes(backend),
                prefix=_api(prefix, page),
                dependencies=[Depends(_may_change(page.changes))],
            )
    app.mount("/", _OneDocument(pages, prefix))
    app.add_middleware(Packed, places=tuple(prefix + below for below in STATIC))
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)
    bodies = {_api(prefix, page) + "/": page.most_body for page in PAGES}
    app.add_middleware(Guard, headers=headers, sign_in=entrance, bodies=bodies)
    return app


def _pages(backend: Backend, prefix: str, bundle: Bundle) -> tuple[FastAPI, dict[str, str]]:
    """Dash on an application of its own, and the headers that fit its scripts.

    It is mounted: so Dash's hooks into an application's start, which answer any path and read the
    environment, never run.
    """
    server = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    dash = _Dash(
        bundle,
        __name__,
        server=cast(Any, server),  # Its types know Flask only.
        url_base_pathname=prefix,
        assets_folder=str(_ASSETS),
        pages_folder="",
        use_pages=False,
        include_assets_files=True,
        serve_locally=True,
        compress=False,
        index_string=_INDEX,
        title="moodline",
        update_title="",
        add_log_handler=False,
        suppress_callback_exceptions=True,  # A page's callbacks wait for the page.
        enable_mcp=False,
    )
    dash.enable_dev_tools(debug=False)
    # No callback uses one: the page would open a websocket all the same, and be refused.
    dash.backend.websocket_capability = False
    dash.layout = shell(PAGES, prefix)
    add_router(dash, PAGES, backend, prefix)
    for page in PAGES:
        page.add_callbacks(dash, backend)
    return server, security_headers(dash.csp_hashes())


class _Dash(Dash):
    def __init__(self, bundle: Bundle, *args: Any, **kwargs: Any) -> None:
        self._bundle = bundle
        super().__init__(*args, **kwargs)

    def interpolate_index(self, *, scripts: str, css: str, **parts: str) -> str:  # type: ignore[override]
        """With one script and one sheet in the place of two dozen, which each took a question."""
        script, sheet = self._bundle.tags(scripts, css)
        return str(super().interpolate_index(scripts=script, css=sheet, **parts))  # type: ignore[no-untyped-call]


class _OneDocument:
    """Every page's address answers with Dash's one document, which then shows that page.

    So does one that nothing has, for who reads pages: with status 404, and a page that says so.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        document = {**scope, "path": self._prefix, "raw_path": self._prefix.encode()}
        page, _ = page_at(PAGES, path.removeprefix(self._prefix))
        ahead: tuple[str, ...] = ()
        if path != self._prefix and page:
            scope, ahead = document, page.scripts
        missing = False

        async def answer(message: Message) -> None:
            nonlocal missing
            if message["type"] == "http.response.start":
                missing = message["status"] == _NOT_FOUND and self._is_read(scope)
                for script in ahead:
                    link = f"<{self._prefix}{script}>; rel=preload; as=script"
                    MutableHeaders(scope=message).append("Link", link)
            if not missing:
                await send(message)

        async def answer_missing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "status": _NOT_FOUND}
            await send(message)

        await self._app(scope, receive, answer)
        if missing:
            await self._app(document, receive, answer_missing)

    def _is_read(self, scope: Scope) -> bool:
        """Whether a person asks for a page, by its address."""
        accepts = Headers(scope=scope).get("accept", "")
        below = str(scope["path"]).startswith(self._prefix)
        return scope["method"] == "GET" and "text/html" in accepts and below


def _bundled(held: bytes | None, kind: str) -> Response:
    """A file of the bundle. Its name says what it holds: a browser need not ask again."""
    if held is None:
        return PlainTextResponse("not found", _NOT_FOUND)
    return Response(held, media_type=kind, headers=_KEPT)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    """What a route could not do, as one line."""
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, NotAllowedError):
        status = HTTPStatus.FORBIDDEN
    elif isinstance(error, (DatabaseError, BusyError)):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse({"error": cast(MoodlineError, error).line()}, status)


async def _misread(_request: Request, error: Exception) -> JSONResponse:
    """What a route was asked and cannot be, as one line; not the values, which may be secret."""
    first = cast(RequestValidationError, error).errors()[0]
    where = " ".join(str(one) for one in first["loc"] if one != "body")
    return JSONResponse({"error": f"{where}: {first['msg']}"}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _may_change(needed: Role) -> Callable[[Request], Awaitable[None]]:
    """Asks for the role before what is given is read, whatever the route itself asks for."""

    async def check(request: Request) -> None:
        if request.method not in {"GET", "HEAD"}:
            require(needed)

    return check


def _api(prefix: str, page: Page) -> str:
    return f"{prefix}api/{page.path}"
