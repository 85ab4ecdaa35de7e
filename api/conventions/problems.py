"""Problems: every error as `application/problem+json` (RFC 9457), with a stable type."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from contracts.errors import (
    AlertError,
    AlertNameTakenError,
    AlertNotFoundError,
    ApiError,
    BrokerError,
    DatabaseError,
    DiskFullError,
    ExportNotFoundError,
    FeatureUnavailableError,
    MarkerError,
    MarkerNotFoundError,
    MoodlineError,
    NotAllowedError,
    OwnHostError,
    RequestInProgressError,
    RequestKeyReusedError,
    RunBusyError,
    RunNotFoundError,
    ServerBusyError,
    SettingsError,
    SourceError,
    SourceNameTakenError,
    SourceNotFoundError,
    TooManyRequestsError,
    UploadError,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_S: Final = 5
_PREFIX: Final = "urn:moodline:problem:"


class InvalidField(BaseModel):
    """One invalid part of a request."""

    field: str = Field(description="Where it is, such as `query.from` or `body.name`.")
    detail: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """An error (RFC 9457). Programs tell problems apart by `type`, which does not change."""

    type: str = Field(examples=["urn:moodline:problem:not-found"])
    title: str = Field(examples=["There is nothing of that name"])
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str = Field(examples=["no source 'attic'"])
    hint: str = Field(default="", description="What to do about it.")
    errors: list[InvalidField] = Field(default=[], description="The invalid parts of the request.")


TITLES: Final[Mapping[str, tuple[HTTPStatus, str]]] = {
    "refused": (HTTPStatus.BAD_REQUEST, "The request cannot be carried out"),
    "unauthenticated": (HTTPStatus.UNAUTHORIZED, "A token is needed"),
    "forbidden": (HTTPStatus.FORBIDDEN, "This is not allowed"),
    "not-found": (HTTPStatus.NOT_FOUND, "There is nothing of that name"),
    "method-not-allowed": (HTTPStatus.METHOD_NOT_ALLOWED, "This address has no such method"),
    "conflict": (HTTPStatus.CONFLICT, "The present state does not allow this"),
    "too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    "invalid-request": (HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid"),
    "key-reused": (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The idempotency key belongs to another request",
    ),
    "too-many-requests": (HTTPStatus.TOO_MANY_REQUESTS, "There are too many requests at once"),
    "failed": (HTTPStatus.INTERNAL_SERVER_ERROR, "moodline failed to answer"),
    "unavailable": (HTTPStatus.SERVICE_UNAVAILABLE, "This cannot be answered now"),
    "disk-full": (HTTPStatus.INSUFFICIENT_STORAGE, "The disk is full"),
}
"""Status and title of each problem, by the last part of its type."""
_NAMES: Final[Sequence[tuple[type[MoodlineError], str]]] = (
    (SourceNotFoundError, "not-found"),
    (AlertNotFoundError, "not-found"),
    (AlertNameTakenError, "conflict"),
    (MarkerNotFoundError, "not-found"),
    (MarkerError, "invalid-request"),
    (SourceNameTakenError, "conflict"),
    (OwnHostError, "forbidden"),
    (SourceError, "invalid-request"),
    (RequestInProgressError, "conflict"),
    (RequestKeyReusedError, "key-reused"),
    (UploadError, "invalid-request"),
    (RunNotFoundError, "not-found"),
    (ExportNotFoundError, "not-found"),
    (NotAllowedError, "forbidden"),
    (SettingsError, "invalid-request"),
    (RunBusyError, "conflict"),
    (DiskFullError, "disk-full"),
    (TooManyRequestsError, "too-many-requests"),
    (ServerBusyError, "unavailable"),
    (DatabaseError, "unavailable"),
    (BrokerError, "unavailable"),
    (FeatureUnavailableError, "unavailable"),
)

_HINTS: Final = (
    (SourceNotFoundError, "List them: GET /sources"),
    (RunNotFoundError, "List them: GET /runs"),
)
"""Hints for errors whose own hint names a command."""


def problem_name(error: MoodlineError) -> str:
    """Return the name of the problem that an error is, one of TITLES."""
    if isinstance(error, ApiError):
        return error.name
    return next((name for kind, name in _NAMES if isinstance(error, kind)), "refused")


def problem_response(
    error: MoodlineError, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer to a request that failed with the error."""
    name = problem_name(error)
    status, title = TITLES[name]
    body = Problem(
        type=_PREFIX + name,
        title=title,
        status=int(status),
        detail=str(error),
        hint=next((hint for kind, hint in _HINTS if isinstance(error, kind)), error.hint),
        errors=[InvalidField(field=field, detail=detail) for field, detail in _invalid(error)],
    )
    given = dict(headers or {})
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        given.setdefault("Retry-After", str(RETRY_S))
    if status is HTTPStatus.UNAUTHORIZED:
        given.setdefault("WWW-Authenticate", 'Bearer realm="moodline"')
    return JSONResponse(body.model_dump(), int(status), headers=given, media_type=MEDIA_TYPE)


def _invalid(error: MoodlineError) -> Sequence[tuple[str, str]]:
    """Return the invalid parts of the request."""
    if isinstance(error, ApiError):
        return error.errors
    if isinstance(error, AlertError) and problem_name(error) == "invalid-request" and error.field:
        field = {"source": "sources", "tag": "tags"}.get(error.field, error.field)
        return [(f"body.{field}", str(error))]
    return ()


def documented_problems(*names: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of these problems, by status."""
    found: dict[int | str, dict[str, Any]] = {}
    for name in names:
        status, title = TITLES[name]
        known = found.get(int(status))
        text = f"{known['description']}; or: {title.lower()}" if known else title
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        found[int(status)] = {"description": text, "content": content}
    return found
