"""The API as an ASGI application of its own, which the dashboard's server mounts at /api/v1."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.conventions.invalid_requests import invalid_request
from api.conventions.problems import TITLES, problem_response
from api.conventions.route import ApiRoute
from api.conventions.validators import RollupAnswers
from api.openapi import describe
from api.resources.alerts.deliveries import add_deliveries
from api.resources.alerts.events import add_alerts
from api.resources.alerts.rules import add_alert_rules
from api.resources.alerts.targets import add_alert_targets
from api.resources.events import add_events
from api.resources.exports import add_exports
from api.resources.history.heatmap import add_heatmap
from api.resources.history.timeline import add_timeline
from api.resources.history.totals import add_totals
from api.resources.markers import add_markers
from api.resources.read import MAX_IMAGE_BYTES, add_read
from api.resources.runs.changing import add_run_changes
from api.resources.runs.reading import add_run_reading
from api.resources.runs.rows import add_run_rows
from api.resources.sources.changing import add_source_changes
from api.resources.sources.reading import add_source_reading
from api.resources.status import add_status
from api.resources.uploads import add_uploads
from contracts.errors import ApiError, MoodlineError
from contracts.settings import Settings
from records.database import open_engine
from records.uploads.uploads import MAX_CHUNK_BYTES
from serving.backend import Backend
from serving.shares import CALLBACK, CHECK, IMAGE, STREAM, TRANSFER, UPLOAD, Work

WORK: Final[tuple[tuple[str, Work], ...]] = (
    ("GET exports/.*/file", TRANSFER),
    ("GET events", STREAM),
    ("POST read", IMAGE),
    ("PUT uploads/.*", UPLOAD),
    ("POST runs", CHECK),
    ("POST sources/.*/test", CHECK),
    ("POST alerts/rules/preview", CALLBACK),
)
"""The kinds of work of the routes, by a pattern of "METHOD path"; the others are light."""
MAX_BODY_BYTES: Final[Mapping[str, int]] = {
    "uploads/": MAX_CHUNK_BYTES,
    "read": MAX_IMAGE_BYTES,
}
"""The largest body of a request in bytes, by the beginning of its path, where it is not usual."""


def create_api(backend: Backend) -> FastAPI:
    """Return the application. Who asks is known already: `serving.access` has the account."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.route_class = ApiRoute
    app.add_exception_handler(MoodlineError, _moodline_problem)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _unexpected)
    app.state.engine = backend.engine
    app.state.rollups = kept = RollupAnswers(backend.engine)
    # Those that are asked most often come first: routes are matched in this order.
    add_timeline(app, backend, kept)
    add_totals(app, backend, kept)
    add_heatmap(app, backend, kept)
    add_status(app, backend)
    add_source_reading(app, backend)
    add_source_changes(app, backend)
    add_run_reading(app, backend)
    add_run_rows(app, backend)
    add_run_changes(app, backend)
    add_uploads(app, backend)
    add_markers(app, backend)
    add_alert_rules(app, backend)
    add_alert_targets(app, backend)
    add_deliveries(app, backend)
    add_alerts(app, backend)
    add_events(app, backend)
    add_read(app, backend)
    add_exports(app, backend)
    describe(app)
    return app


def api_schema() -> dict[str, Any]:
    """Return the OpenAPI document of this version, without a server."""
    return create_api(Backend(open_engine("sqlite://"), Settings())).openapi()


async def _moodline_problem(_request: Request, error: Exception) -> Response:
    return problem_response(cast(MoodlineError, error))


async def _unexpected(_request: Request, _error: Exception) -> Response:
    """Answer for an error that moodline does not know; the guard writes it to the log."""
    return problem_response(ApiError("failed", "the reason is in the log of moodline's dashboard"))


async def _invalid_request(request: Request, error: Exception) -> Response:
    return problem_response(invalid_request(request, cast(RequestValidationError, error)))


async def _http_problem(request: Request, error: Exception) -> Response:
    """Answer for Starlette: no such address, no such method, a body that is not JSON."""
    known = cast(HTTPException, error)
    names: dict[int, str] = {int(status): name for name, (status, _) in TITLES.items()}
    names[int(HTTPStatus.UNPROCESSABLE_ENTITY)] = "invalid-request"
    details: dict[int, str] = {
        404: "there is nothing at this address",
        405: "this address has no such method",
        400: "the body is not valid JSON",
    }
    headers = dict(known.headers or {})
    if known.status_code == int(HTTPStatus.METHOD_NOT_ALLOWED):
        headers["Allow"] = _methods(request)
    hints = {
        404: "The reference of this server names every address: /api/v1/reference",
        405: f"Use {headers.get('Allow')}",
    }
    name = names.get(known.status_code, "refused")
    text = details.get(known.status_code, str(known.detail))
    hint = hints.get(known.status_code, "")
    return problem_response(ApiError(name, text, hint=hint), headers)


def _methods(request: Request) -> str:
    """Return the methods that the address has: Starlette names those of one operation alone."""
    found: set[str] = set()
    for route in request.app.router.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(found))
