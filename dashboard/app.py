"""The dashboard as an ASGI application: Dash and the pages' routes on FastAPI, behind the guard."""

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

from contracts.errors import (
    DatabaseError,
    MoodlineError,
    NotAllowedError,
    ServerBusyError,
    SettingsError,
)
from dashboard.now import NOW
from dashboard.recordings import RECORDINGS
from dashboard.sources import SOURCES
from dashboard.system import SYSTEM
from dashboard.trends import TRENDS
from dashboard.try_image import TRY_IMAGE
from dashboard.web.access import Role, require_role
from dashboard.web.backend import Backend
from dashboard.web.bundle import BUNDLE_PATH, PLOTLY_PATH, Bundle, plotly
from dashboard.web.compression import STATIC_PATHS, CachedCompression
from dashboard.web.guard import HEALTH, Guard, security_headers
from dashboard.web.page import Page
from dashboard.web.shell import add_router, page_at, shell
from dashboard.web.sign_in.gate import SignIn, sign_in_routes

PAGES: Final = (NOW, TRENDS, RECORDINGS, TRY_IMAGE, SOURCES, SYSTEM)
"""In the order of the navigation. The dashboard opens with the first."""
_ASSETS: Final = Path(__file__).parent / "assets"
_CACHE_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_CACHE_A_DAY: Final = {"Cache-Control": "public, max-age=86400"}
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
    <noscript>The dashboard needs JavaScript. All of it is loaded from this host.</noscript>
    {%config%}{%scripts%}{%renderer%}
  </body>
</html>
"""


def create_app(backend: Backend, *, prefix: str = "/", sign_in: bool = False) -> FastAPI:
    """Return the application: the pages below `prefix`, and /healthz.

    Without sign-in it answers only to this host's own names, and every viewer is an admin.
    Raises SettingsError if the prefix is invalid.
    """
    if not _PREFIX.fullmatch(prefix):
        raise SettingsError(
            f"invalid path prefix {prefix!r}", hint="Use a path such as /moodline/, or / for none"
        )
    bundle = Bundle(prefix, _ASSETS)
    dash_app, headers = _dash_app(backend, prefix, bundle)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_exception_handler(MoodlineError, _error_response)
    app.add_exception_handler(RequestValidationError, _validation_response)

    @app.get(HEALTH)
    def health() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/")
    @app.get(prefix)
    def home() -> RedirectResponse:
        return RedirectResponse(prefix + PAGES[0].path)

    _add_static_routes(app, prefix, bundle)
    gate = None
    if sign_in:
        gate = SignIn(backend.engine, prefix, backend.settings.dashboard_password)
        app.include_router(sign_in_routes(gate), prefix=prefix[:-1])
    for page in PAGES:
        if page.routes is not None:
            app.include_router(
                page.routes(backend),
                prefix=_api(prefix, page),
                dependencies=[Depends(_role_check(page.changes))],
            )
    app.mount("/", _PageDocuments(dash_app, prefix))
    static = tuple(prefix + path for path in STATIC_PATHS)
    app.add_middleware(CachedCompression, paths=static)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)
    limits = {_api(prefix, page) + "/": page.max_body_bytes for page in PAGES}
    app.add_middleware(Guard, headers=headers, sign_in=gate, body_limits=limits)
    return app


def _add_static_routes(app: FastAPI, prefix: str, bundle: Bundle) -> None:
    """Serve plotly.js and the bundle."""
    charts = plotly()

    @app.get(prefix + PLOTLY_PATH)
    def charts_script() -> Response:
        return Response(charts, media_type="text/javascript", headers=_CACHE_A_DAY)

    @app.get(prefix + BUNDLE_PATH + "dash_renderer.{digest}.js")
    def script(digest: str) -> Response:
        return _bundled(bundle.file(f"dash_renderer.{digest}.js"), "text/javascript")

    @app.get(prefix + BUNDLE_PATH + "moodline.{digest}.css")
    def sheet(digest: str) -> Response:
        return _bundled(bundle.file(f"moodline.{digest}.css"), "text/css")


def _dash_app(backend: Backend, prefix: str, bundle: Bundle) -> tuple[FastAPI, dict[str, str]]:
    """Return Dash on an application of its own, and the security headers for its scripts.

    It is mounted into ours, so that Dash's startup hooks never run: they would answer any path
    and read the environment.
    """
    server = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    dash = _Dash(
        bundle,
        __name__,
        server=cast(Any, server),  # Dash's types know Flask only.
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
        suppress_callback_exceptions=True,  # A page's components come after its callbacks.
        enable_mcp=False,
    )
    dash.enable_dev_tools(debug=False)
    # No callback uses a websocket. Dash would open one anyway, and the guard refuses it.
    dash.backend.websocket_capability = False
    dash.layout = shell(PAGES, prefix)
    add_router(dash, PAGES, backend, prefix)
    for page in PAGES:
        page.add_callbacks(dash, backend)
    return server, security_headers(dash.csp_hashes())


class _Dash(Dash):
    """Dash with one bundled script and sheet in its document, in the place of two dozen."""

    def __init__(self, bundle: Bundle, *args: Any, **kwargs: Any) -> None:
        self._bundle = bundle
        super().__init__(*args, **kwargs)

    def interpolate_index(self, *, scripts: str, css: str, **parts: str) -> str:  # type: ignore[override]
        script, sheet = self._bundle.tags(scripts, css)
        return str(super().interpolate_index(scripts=script, css=sheet, **parts))  # type: ignore[no-untyped-call]


class _PageDocuments:
    """ASGI middleware that serves Dash's one document at the address of every page.

    A browser that opens an unknown address gets it too, with status 404; the document then
    shows that there is no such page.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        document = {**scope, "path": self._prefix, "raw_path": self._prefix.encode()}
        page, _ = page_at(PAGES, path.removeprefix(self._prefix))
        preloads: tuple[str, ...] = ()
        if path != self._prefix and page:
            scope, preloads = document, page.scripts
        missing = False

        async def answer(message: Message) -> None:
            nonlocal missing
            if message["type"] == "http.response.start":
                missing = message["status"] == _NOT_FOUND and self._is_navigation(scope)
                for script in preloads:
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

    def _is_navigation(self, scope: Scope) -> bool:
        """Return whether a browser opens the address as a page."""
        accepts = Headers(scope=scope).get("accept", "")
        below = str(scope["path"]).startswith(self._prefix)
        return scope["method"] == "GET" and "text/html" in accepts and below


def _bundled(content: bytes | None, media_type: str) -> Response:
    """Return a bundled file. Its name has its hash, so browsers may cache it without limit."""
    if content is None:
        return PlainTextResponse("not found", _NOT_FOUND)
    return Response(content, media_type=media_type, headers=_CACHE_FOREVER)


async def _error_response(_request: Request, error: Exception) -> JSONResponse:
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, NotAllowedError):
        status = HTTPStatus.FORBIDDEN
    elif isinstance(error, (DatabaseError, ServerBusyError)):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse({"error": cast(MoodlineError, error).line()}, status)


async def _validation_response(_request: Request, error: Exception) -> JSONResponse:
    """Name the first invalid field, without its value, which may be a secret."""
    first = cast(RequestValidationError, error).errors()[0]
    field = " ".join(str(one) for one in first["loc"] if one != "body")
    return JSONResponse({"error": f"{field}: {first['msg']}"}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _role_check(needed: Role) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that checks the role before the body of a change is read."""

    async def check(request: Request) -> None:
        if request.method not in {"GET", "HEAD"}:
            require_role(needed)

    return check


def _api(prefix: str, page: Page) -> str:
    return f"{prefix}api/{page.path}"
