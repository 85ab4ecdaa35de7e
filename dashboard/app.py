"""The dashboard as an ASGI application: Dash and the pages' routes on FastAPI, behind the guard."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, cast

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from api.app import MAX_BODY_BYTES, WORK, create_api
from api.gate import ROOT, ApiGate
from contracts.errors import (
    AlertError,
    DatabaseError,
    DiskFullError,
    MoodlineError,
    NotAllowedError,
    OwnHostError,
    ServerBusyError,
    SettingsError,
)
from dashboard.account import ACCOUNT
from dashboard.alerts import ALERTS
from dashboard.documents import ASSETS, page_documents
from dashboard.embed.app import EmbeddedTrends
from dashboard.health.routes import health_routes
from dashboard.language.catalogues import catalogue
from dashboard.model_card import MODEL_CARD
from dashboard.now import NOW, WALL
from dashboard.recordings import RECORDINGS
from dashboard.sources import SOURCES
from dashboard.system import SYSTEM
from dashboard.trends import TRENDS
from dashboard.try_image import TRY_IMAGE
from dashboard.web.bundle import BUNDLE_PATH, PLOTLY_PATH, Bundle, plotly
from dashboard.web.compression import STATIC_PATHS, CachedCompression
from dashboard.web.guard import HEALTH, READY, Guard
from dashboard.web.language_choice import LANGUAGE_PATH, language_routes
from dashboard.web.limits.turns import Turns, busy_response
from dashboard.web.page import Page
from dashboard.web.sign_in.gate import SignIn
from dashboard.web.sign_in.routes import sign_in_routes
from serving.access import Role, current_account, require_role
from serving.backend import Backend
from serving.shares import CALLBACK, Work

PAGES: Final = (
    *(NOW, TRENDS, ALERTS, RECORDINGS, TRY_IMAGE, SOURCES, SYSTEM),
    *(ACCOUNT, MODEL_CARD, WALL),  # Not in the navigation.
)
"""In the order of the navigation. The dashboard opens with the first."""
_CACHE_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_CACHE_A_DAY: Final = {"Cache-Control": "public, max-age=86400"}
_MAX_LOGIN_BYTES: Final = 8192
_PREFIX: Final = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*")
_NOT_FOUND: Final = HTTPStatus.NOT_FOUND


def create_app(
    backend: Backend, *, prefix: str = "/", sign_in: bool = True, any_host: bool = False
) -> FastAPI:
    """Return the application: the pages below `prefix`, /healthz and /readyz.

    sign_in: without it every viewer is an admin. any_host: with sign-in, answer to other names
    than this host's own too. Raises SettingsError if the prefix is invalid.
    """
    if not _PREFIX.fullmatch(prefix):
        raise SettingsError(
            f"invalid path prefix {prefix!r}", hint="Use a path such as /moodline/, or / for none"
        )
    bundle = Bundle(prefix, ASSETS)
    documents, headers = page_documents(backend, PAGES, prefix, bundle)
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
    app.include_router(health_routes(backend, prefix))
    app.mount(prefix + ROOT, create_api(backend))  # Before the pages: programs ask most often.
    app.include_router(language_routes(prefix), prefix=prefix[:-1])
    gate = None
    if sign_in:
        gate = SignIn(backend.engine, prefix, backend.settings, backend.password_checks)
        app.include_router(sign_in_routes(gate), prefix=prefix[:-1])
    for page in PAGES:
        if page.routes is not None:
            app.include_router(
                page.routes(backend),
                prefix=_api(prefix, page),
                dependencies=[Depends(_role_check(page.changes))],
            )
    app.mount("/", documents)
    static = tuple(prefix + path for path in STATIC_PATHS)
    app.add_middleware(CachedCompression, paths=static)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=5)
    free = (*static, f"{prefix}login", f"{prefix}{LANGUAGE_PATH}", HEALTH, READY)
    app.add_middleware(Turns, kinds=_kinds_of_work(prefix), free=free, api=prefix + ROOT)
    limits = {_api(prefix, page) + "/": page.max_body_bytes for page in PAGES}
    limits |= {f"{prefix}{path}": _MAX_LOGIN_BYTES for path in ("login", LANGUAGE_PATH)}
    limits |= {f"{prefix}{ROOT}/{path}": most for path, most in MAX_BODY_BYTES.items()}
    tokens = ApiGate(backend.engine, prefix + ROOT)
    app.add_middleware(
        Guard,
        headers=headers,
        sign_in=gate,
        api=tokens,
        any_host=any_host,
        body_limits=limits,
        static=static,
    )
    app.add_middleware(EmbeddedTrends, backend=backend, prefix=prefix, gate=tokens)
    return app


def _kinds_of_work(prefix: str) -> list[tuple[str, Work]]:
    """Return the kinds of work of all pages' routes and of Dash's callbacks, by pattern."""
    of_pages = [
        (f"{method} {re.escape(_api(prefix, page))}/{path}", work)
        for page in PAGES
        for pattern, work in page.work
        for method, path in (pattern.split(" ", 1),)
    ]
    of_api = [
        (f"{method} {re.escape(prefix)}{ROOT}/{path}", work)
        for pattern, work in WORK
        for method, path in (pattern.split(" ", 1),)
    ]
    return [*of_pages, *of_api, (f"POST {re.escape(prefix)}_dash-update-component", CALLBACK)]


def _add_static_routes(app: FastAPI, prefix: str, bundle: Bundle) -> None:
    """Serve plotly.js and the bundle."""
    charts = plotly()

    @app.get(prefix + PLOTLY_PATH)
    def charts_script() -> Response:
        return Response(charts, media_type="text/javascript", headers=_CACHE_A_DAY)

    @app.get(prefix + BUNDLE_PATH + "dash_renderer.{digest}.js")
    def script(digest: str) -> Response:
        return _bundled(bundle.file(f"dash_renderer.{digest}.js"), "text/javascript")

    @app.get(prefix + BUNDLE_PATH + "words.{language}.{digest}.js")
    def words(language: str, digest: str) -> Response:
        name, content = catalogue(language).script
        is_newest = name == f"words.{language}.{digest}.js"
        return _bundled(content if is_newest else None, "text/javascript")

    @app.get(prefix + BUNDLE_PATH + "moodline.{digest}.css")
    def sheet(digest: str) -> Response:
        return _bundled(bundle.file(f"moodline.{digest}.css"), "text/css")


def _bundled(content: bytes | None, media_type: str) -> Response:
    """Return a bundled file. Its name has its hash, so browsers may cache it without limit."""
    if content is None:
        return PlainTextResponse("not found", _NOT_FOUND)
    return Response(content, media_type=media_type, headers=_CACHE_FOREVER)


async def _error_response(request: Request, error: Exception) -> Response:
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, NotAllowedError):
        status = HTTPStatus.FORBIDDEN
    elif isinstance(error, DiskFullError):
        status = HTTPStatus.INSUFFICIENT_STORAGE
    elif isinstance(error, ServerBusyError):
        return busy_response(error, request.headers)
    elif isinstance(error, DatabaseError):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    body = {"error": cast(MoodlineError, error).line()}
    if isinstance(error, OwnHostError) and current_account().role.covers(Role.ADMIN):
        body["allow"] = error.place
    if isinstance(error, AlertError):
        body["field"] = error.field
    return JSONResponse(body, status)


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
