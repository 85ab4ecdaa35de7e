"""Idempotency keys: a POST that is repeated with the same key is carried out once."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Engine

from contracts.errors import ApiError
from records.users.api_requests import (
    KeptAnswer,
    begin_request,
    drop_request,
    finish_request,
    request_digest,
)
from serving.access import current_account

KEY_HEADER: Final = "idempotency-key"
_REPLAYED: Final = "Idempotency-Replayed"
_MAX_LENGTH: Final = 255
_MOST_KEPT_BYTES: Final = 1_000_000
KEY_PARAMETER: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A text that is new for each request, such as a random UUID. The same request "
    "with the same key is carried out once in 24 hours, and gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": _MAX_LENGTH, "pattern": "^[!-~]+$"},
}


async def answer_once(
    request: Request, answer: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Return the answer to a request with a key: that of the first with it, if there is one."""
    key = request.headers[KEY_HEADER]
    if not (0 < len(key) <= _MAX_LENGTH and key.isascii() and key.isprintable()):
        raise ApiError(
            "invalid-request",
            "the idempotency key is not valid",
            hint=f"Use 1 to {_MAX_LENGTH} printable ASCII characters",
            errors=[("header.Idempotency-Key", "not valid")],
        )
    engine: Engine = request.app.state.engine
    digest = request_digest(current_account().actor, request.url.path, key)
    body = request.url.query.encode() + b"\0" + await request.body()
    known = await run_in_threadpool(begin_request, engine, digest, body)
    if known is not None:
        headers = {_REPLAYED: "true"}
        return Response(known.body, known.status, headers, media_type="application/json")
    try:
        found = await answer(request)
        content = bytes(found.body)
    except BaseException:  # A cancelled request, too: nobody got an answer that could be kept.
        await run_in_threadpool(drop_request, engine, digest)
        raise
    if len(content) <= _MOST_KEPT_BYTES and found.headers.get("cache-control") != "no-store":
        kept = KeptAnswer(found.status_code, content)
        await run_in_threadpool(finish_request, engine, digest, kept)
    else:
        await run_in_threadpool(drop_request, engine, digest)
    return found
