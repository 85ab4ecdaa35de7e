"""The OpenAPI document of the API, and the page that shows it."""

from functools import cache, lru_cache
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse

from api.conventions.idempotency import KEY_PARAMETER
from api.conventions.problems import MEDIA_TYPE, InvalidField, Problem
from api.reference.page import reference_page

VERSION: Final = "1.0.0"
"""The version of the API, which changes only with the API, not with moodline."""
_DESCRIPTION: Final = """\
Numbers out of moodline, and its sources and recordings, for programs.

Send a token as `Authorization: Bearer TOKEN`; `moodline token add NAME` makes one. A token has the
scope `read`, `write` or `admin`, and may be limited to some sources: nothing of others is then in
any answer. The session of a signed-in browser may read too.

Errors are `application/problem+json` (RFC 9457). Times are RFC 3339. Fields have the names of the
columns of exports. Unknown parameters and fields are refused. Lists have at most `limit` items, and
`next`: send it as `cursor` for the page after. Rollups have an `ETag`: send it as `If-None-Match`.
A POST may have an `Idempotency-Key`: the same request is then carried out once in 24 hours."""
_TAGS: Final = (
    {"name": "status", "description": "How well the system works."},
    {"name": "sources", "description": "Cameras, streams, and what recordings are of."},
    {"name": "runs", "description": "Analyses of sources, and their rows."},
    {"name": "markers", "description": "Notes on the history."},
    {"name": "alerts", "description": "What alert rules saw."},
    {"name": "events", "description": "What happens, as it happens."},
    {"name": "read", "description": "Reading of single images."},
    {"name": "exports", "description": "Rows as files, written meanwhile."},
    {"name": "history", "description": "Rollups over a range, as on the page Trends."},
)


def describe(app: FastAPI) -> None:
    """Let the application describe itself, at openapi.json and on the page reference."""

    @cache
    def document() -> dict[str, Any]:
        return openapi_document(app)

    @lru_cache(maxsize=4)
    def page(address: str) -> str:
        return reference_page(document(), address)

    app.openapi = document  # type: ignore[method-assign]

    @app.get("/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> JSONResponse:
        return JSONResponse(document() | {"servers": [{"url": request.scope["root_path"]}]})

    @app.get("/reference", include_in_schema=False)
    def reference(request: Request) -> HTMLResponse:
        address = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
        return HTMLResponse(page(address))


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    found = get_openapi(
        title="moodline",
        version=VERSION,
        summary="Facial expressions over time, with every frame accounted for.",
        description=_DESCRIPTION,
        routes=app.routes,
        tags=[dict(one) for one in _TAGS],
        servers=[{"url": "/api/v1"}],
    )
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in (Problem, InvalidField):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    for operations in found.get("paths", {}).values():
        for method, operation in operations.items():
            _mend(operation)
            if method == "post":
                operation.setdefault("parameters", []).append(KEY_PARAMETER)
    return found


def _mend(operation: dict[str, Any]) -> None:
    """Replace FastAPI's own form of validation errors by a problem.

    The server answers requests that are not HTTP, or have a head over 16 KiB, with plain text.
    """
    operation["responses"]["400"]["content"]["text/plain"] = {"schema": {"type": "string"}}
    invalid = operation.get("responses", {}).get("422")
    if invalid is not None:
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"]["422"] = invalid | {"content": content}
