"""Session watch: ends the event streams and downloads of a session as soon as it ends."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import anyio
import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import DatabaseError
from records.users.accounts import AuthenticatedUser
from serving.access import Account

log = structlog.get_logger()

SIGNED_OUT: Final = "You are signed out. Sign in again"
_CHECK_EVERY_S: Final = 0.5
_UNCHECKED_S: Final = 30.0
"""If the database cannot be read for this long, the answers end."""
_FAREWELL_S: Final = 1.0

OpenUsers = Callable[[Collection[str]], Mapping[str, AuthenticatedUser]]


class SessionWatch:
    """Sends the answers to signed-in users, and ends those whose session has ended.

    Twice a second it checks the sessions of all answers in flight, with one query. A session
    whose user was removed, or has another role or password, has ended.

    open_users: return the users of those of the given sessions that are open; blocks.
    on_end: called with each ended session.
    """

    def __init__(self, open_users: OpenUsers, on_end: Callable[[str], None]) -> None:
        self._open_users = open_users
        self._on_end = on_end
        self._answers: set[_Answer] = set()
        self._task: asyncio.Task[None] | None = None

    async def answer(
        self, account: Account, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the application answer a request, as long as the account's session is open."""
        answer = _Answer(account, send)
        self._answers.add(answer)
        _current.set(answer)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._check_while_answering())
        try:
            with answer.cancel:
                await app(scope, receive, answer.send)
        finally:
            self._answers.discard(answer)
        if answer.is_over:
            await answer.end()

    async def _check_while_answering(self) -> None:
        checked_at_s = time.monotonic()
        while self._answers:
            await asyncio.sleep(_CHECK_EVERY_S)
            sessions = {answer.account.session for answer in self._answers}
            try:
                users = await asyncio.to_thread(self._open_users, sessions)
                checked_at_s = time.monotonic()
            except DatabaseError:
                if time.monotonic() - checked_at_s < _UNCHECKED_S:
                    continue
                users = {}
            for answer in list(self._answers):
                account = answer.account
                # Sessions of answers that began during the query were not asked for.
                if account.session in sessions and users.get(account.session) != account.user:
                    self._on_end(account.session)
                    if not answer.is_kept:
                        answer.stop()


def keep_answer() -> None:
    """Let the present request be answered in any case.

    It ends its own session, or changes its user: else it would depend on the moment of a check
    whether a person who signs out sees the form, and one who adds a second factor its codes.
    """
    if answer := _current.get():
        answer.is_kept = True


@dataclass(eq=False)
class _Answer:
    """An answer in flight. cancel: ends the application's work on it. is_kept: see keep_answer."""

    account: Account
    _send: Send
    cancel: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    is_over: bool = False
    is_kept: bool = False
    _has_begun: bool = False
    _is_whole: bool = False
    _is_event_stream: bool = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self.is_over:
                self.cancel.cancel()
                await anyio.lowlevel.checkpoint()
            self._has_begun = True
            kind = Headers(raw=message["headers"]).get("content-type", "")
            self._is_event_stream = kind.startswith("text/event-stream")
        elif not message.get("more_body", False):
            self._is_whole = True
        await self._send(message)

    def stop(self) -> None:
        """End the answer, or let it never begin. A change that has begun is completed."""
        self.is_over = True
        if self._has_begun:
            self.cancel.cancel()

    async def end(self) -> None:
        """Finish the answer. The server closes the connection of an incomplete download."""
        if self._is_whole:
            return
        if not self._has_begun:
            response = JSONResponse({"error": SIGNED_OUT}, HTTPStatus.UNAUTHORIZED)
            start = {"status": response.status_code, "headers": response.raw_headers}
            await self._send({"type": "http.response.start", **start})
            await self._send({"type": "http.response.body", "body": response.body})
        elif self._is_event_stream:
            with anyio.move_on_after(_FAREWELL_S):  # The viewer may not read.
                await self._send({"type": "http.response.body", "body": b""})
        else:
            log.warning("a download ended with its session", user=self.account.name)


_current: Final[ContextVar[_Answer | None]] = ContextVar("answer", default=None)
