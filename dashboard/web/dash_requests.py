"""The check of requests to Dash, which fails on any that its own renderer would not send."""

import json
from collections.abc import Callable, Mapping, Sequence, Set
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final

import structlog
from dash.fingerprint import check_fingerprint
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

_CALLBACK: Final = "_dash-update-component"
_SUITES: Final = "_dash-component-suites/"
_TEXTS: Final = frozenset({"pathname", "search", "value"})
"""Properties of components of ours whose values are texts, or missing."""
_MISMATCH: Final = "the request does not match a part of this page: reload the page"
_FAILED: Final = HTTPStatus.INTERNAL_SERVER_ERROR
_failures: ContextVar[list[Exception]] = ContextVar("moodline_failures")


def note_failure(error: Exception) -> None:
    """Note that a callback of ours failed: the answer is 500, which Dash does not log."""
    log.error("a callback failed", exc_info=error)
    _failures.get().append(error)
    raise error


class _Property(BaseModel):
    """A property of a component. id: a name, or the values of a pattern."""

    model_config = ConfigDict(strict=True)

    id: str | dict[str, str | int]
    property: str
    value: Any = None

    def is_of(self, declared: Mapping[str, str]) -> bool:
        """Return whether this is the declared property, or one that its pattern matches."""
        own, expected = self.id, declared["id"]
        if isinstance(own, dict):
            pattern = json.loads(expected) if expected.startswith("{") else {}
            same = own.keys() == pattern.keys()
        else:
            same = own == expected
        is_text = self.value is None or isinstance(self.value, str)
        return (
            same
            and self.property == declared["property"]
            and (is_text or self.property not in _TEXTS)
        )


_Slot = _Property | list[_Property]


class _CallbackRequest(BaseModel):
    """The body of a callback's request."""

    model_config = ConfigDict(strict=True)

    output: str
    outputs: _Slot | list[_Slot] = []
    inputs: list[_Slot]
    state: list[_Slot] = []
    changedPropIds: list[str] = []  # noqa: N815  (Dash's name)

    def matches(self, callback: Mapping[str, Any]) -> bool:
        """Return whether the callback is answered here, and has these inputs and outputs."""
        outputs = callback["output"]
        count = len(outputs) if isinstance(outputs, list) else 1
        given = len(self.outputs) if isinstance(self.outputs, list) else 1
        return (
            "callback" in callback
            and given == count
            and _are_of(self.inputs, callback["inputs"])
            and _are_of(self.state, callback["state"])
        )


_READER: Final = TypeAdapter(_CallbackRequest)


class DashRequests:
    """ASGI middleware in front of Dash.

    callbacks: Dash's map of callbacks by their output. files: Dash's files by package.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        prefix: str,
        callbacks: Callable[[], Mapping[str, Mapping[str, Any]]],
        files: Callable[[], Mapping[str, Set[str]]],
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._callbacks = callbacks
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"]).removeprefix(self._prefix)
        if path.startswith(_SUITES) and not self._is_file(path.removeprefix(_SUITES)):
            await _error("there is no such file", HTTPStatus.NOT_FOUND)(scope, receive, send)
        elif path == _CALLBACK and scope["method"] == "POST":
            await self._answer_callback(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer_callback(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        is_json = request.headers.get("content-type", "").startswith("application/json")
        if not is_json or not self._is_valid(body):
            await _error(_MISMATCH, HTTPStatus.BAD_REQUEST)(scope, receive, send)
            return
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return unread.pop() if unread else await receive()

        failures = list[Exception]()
        _failures.set(failures)
        refuses = False

        async def send_or_refuse(message: Message) -> None:
            """Send, unless Dash failed and our callback did not: the request is at fault."""
            nonlocal refuses
            if message["type"] == "http.response.start":
                refuses = message["status"] == _FAILED and not failures
            if not refuses:
                await send(message)

        await self._app(scope, receive_again, send_or_refuse)
        if refuses:
            await _error(_MISMATCH, HTTPStatus.BAD_REQUEST)(scope, receive, send)

    def _is_valid(self, body: bytes) -> bool:
        try:
            # Not validate_json: Dash reads the same text with the json module.
            asked = _READER.validate_python(json.loads(body))
        except (ValidationError, ValueError, RecursionError):
            return False
        callback = self._callbacks().get(asked.output)
        return callback is not None and asked.matches(callback)

    def _is_file(self, path: str) -> bool:
        package, _, name = path.partition("/")
        plain_name, _ = check_fingerprint(name)  # type: ignore[no-untyped-call]
        return plain_name in self._files().get(package, ())


def _are_of(given: Sequence[_Slot], declared: Sequence[Mapping[str, str]]) -> bool:
    return len(given) == len(declared) and all(
        all(part.is_of(one) for part in (slot if isinstance(slot, list) else [slot]))
        for slot, one in zip(given, declared, strict=True)
    )


def _error(text: str, status: HTTPStatus) -> JSONResponse:
    return JSONResponse({"error": text}, status)
