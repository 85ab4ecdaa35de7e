"""The turns of requests: each kind of work has its own fair share of the dashboard."""

import asyncio
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.conventions.problems import RETRY_S, problem_response
from contracts.errors import MoodlineError, ServerBusyError, TooManyRequestsError
from serving.access import current_account
from serving.shares import LIGHT, FairShare, Work

REFUSAL_S: Final = 1.0
"""A user who has too much at once learns it after this time, which limits a client that repeats."""


class Turns:
    """ASGI middleware in which a request waits for its turn, until its whole answer is sent.

    kinds: pairs of a pattern of "METHOD /path" and a kind of work; the first that matches counts,
    LIGHT if none does. free: beginnings of paths that need no turn. api: that of the API's paths,
    whose refusals are problems.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        kinds: Sequence[tuple[str, Work]],
        free: tuple[str, ...],
        api: str = "/api/v1",
    ) -> None:
        self._app = app
        self._kinds = [(re.compile(pattern), work) for pattern, work in kinds]
        self._shares = {work: FairShare(work) for _, work in (*kinds, ("", LIGHT))}
        self._free = free
        self._api = api + "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._free):
            await self._app(scope, receive, send)
            return
        share, user = self._share(scope), _user(scope)
        try:
            await share.begin(user)
        except ServerBusyError as exc:
            if isinstance(exc, TooManyRequestsError):
                await asyncio.sleep(REFUSAL_S)
            await self._refusal(exc, scope)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            share.end(user)

    def _refusal(self, error: ServerBusyError, scope: Scope) -> Response:
        if scope["path"].startswith(self._api):
            return problem_response(error)
        return busy_response(error, Headers(scope=scope))

    def _share(self, scope: Scope) -> FairShare:
        asked = f"{scope['method']} {scope['path']}"
        found = (work for pattern, work in self._kinds if pattern.fullmatch(asked))
        return self._shares[next(found, LIGHT)]


def busy_response(error: MoodlineError, headers: Headers) -> Response:
    """Return 429 for a user who has too much at once, 503 for a dashboard that has.

    headers: of the request. A browser that follows a link shows the error as it is.
    """
    is_own = isinstance(error, TooManyRequestsError)
    status = HTTPStatus.TOO_MANY_REQUESTS if is_own else HTTPStatus.SERVICE_UNAVAILABLE
    retry = {"Retry-After": str(RETRY_S)}
    if "text/html" in headers.get("accept", ""):
        return PlainTextResponse(error.line() + "\n", status, headers=retry)
    return JSONResponse({"error": error.line()}, status, headers=retry)


def _user(scope: Scope) -> str:
    """Return the user's name; without sign-in, the address."""
    client = scope.get("client")
    return current_account().name or f"address {client[0] if client else ''}"
