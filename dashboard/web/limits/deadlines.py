"""uvicorn's HTTP/1.1 protocol with deadlines: for a request's head, its body and its answer.

h11 bounds a head in bytes. Here a client that is too slow is disconnected, so that trickling
clients hold neither connections nor memory.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from runtime.connections import Connection, ConnectionTable
from runtime.rare_log import RareLog

MAX_HEAD_BYTES: Final = 16_384
HEAD_S: Final = 10.0
"""From the connection, or from the first byte of a further request, to the end of the head."""
IDLE_S: Final = 15
"""Between two requests."""
BODY_GRACE_S: Final = 10.0
MIN_BODY_RATE: Final = 16_384
"""Bytes a second of a body, after the grace; a poor mobile line has twice as much."""
REFUSED_BODY_S: Final = 2.0
"""The rest of a body that was answered early is read and dropped; then the connection ends."""
ANSWER_STALL_S: Final = 30.0
"""A client that reads nothing of its answer for so long is disconnected."""
SMALL_BODY_BYTES: Final = 65_536
"""A client that still sends such a body may be dropped for others, as one without a request."""


class DeadlineProtocol(H11Protocol):
    """One connection of the table. Call `check` about once a second."""

    def __init__(
        self, *, connection: Connection, table: ConnectionTable, log: RareLog, **uvicorn: Any
    ) -> None:
        super().__init__(**uvicorn)
        self._connection = connection
        self._table = table
        self._log = log
        now_s = self.loop.time()
        self._checked_s = self._progress_s = now_s
        self._deadline_s = now_s + HEAD_S
        self._is_head_begun = True  # The head is expected at once.
        self._unsent = 0
        self._has_resumed = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.remove(self._connection)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Give h11 no more than a head at a time: it measures only a head that is incomplete."""
        if not self._is_head_begun and self._expects_head():
            self._is_head_begun = True
            self._deadline_s = self.loop.time() + HEAD_S
        for begin in range(0, len(data), MAX_HEAD_BYTES):
            if self.transport.is_closing():
                return
            if self._expects_body():
                self._deadline_s += len(data[begin : begin + MAX_HEAD_BYTES]) / MIN_BODY_RATE
            super().data_received(data[begin : begin + MAX_HEAD_BYTES])
        if len(self.conn.trailing_data[0]) > 2 * MAX_HEAD_BYTES:
            self._drop("requests were sent before the answer to the first")

    def handle_events(self) -> None:
        cycle = self.cycle
        super().handle_events()
        if self.cycle is not cycle:
            self._deadline_s = self.loop.time() + BODY_GRACE_S
        if self.cycle is not None and (not self.cycle.more_body or self._is_large()):
            self._table.note_answering(self._connection)

    def on_response_complete(self) -> None:
        self._is_head_begun = False
        rest_s = REFUSED_BODY_S if self._expects_body() else IDLE_S + HEAD_S
        self._deadline_s = self.loop.time() + rest_s
        self._table.note_waiting(self._connection)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        self._log.warn("an invalid HTTP request was refused", address=self._connection.address)
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:  # An answer has begun already.
            self.transport.abort()

    def resume_writing(self) -> None:
        self._has_resumed = True
        super().resume_writing()

    def shutdown(self) -> None:
        with suppress(h11.LocalProtocolError):  # The connection is closing already.
            super().shutdown()

    def check(self) -> None:
        """Disconnect a client that missed its deadline, or reads nothing of its answer."""
        now_s = self.loop.time()
        passed_s, self._checked_s = now_s - self._checked_s, now_s
        if self._expects_body() and self._is_held_back():
            self._deadline_s += passed_s  # The server reads nothing: the client is not slow.
        elif now_s > self._deadline_s and (self._expects_head() or self._expects_body()):
            self._drop("a request did not arrive in time")
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent or self._has_resumed:
            self._progress_s = now_s
        elif now_s - self._progress_s > ANSWER_STALL_S:
            self._drop("an answer was not read")
        self._unsent, self._has_resumed = unsent, False

    def _expects_head(self) -> bool:
        if self.cycle is None:
            return True
        return bool(self.cycle.response_complete) and not self._expects_body()

    def _expects_body(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

    def _is_held_back(self) -> bool:
        waits_for_continue = self.cycle is not None and self.cycle.waiting_for_100_continue
        return self.flow.read_paused or waits_for_continue

    def _is_large(self) -> bool:
        """Return whether the request's body is larger than a form; its length may be invalid."""
        length = next((value for name, value in self.headers if name == b"content-length"), b"0")
        return len(length) > 5 or (length.isdigit() and int(length) > SMALL_BODY_BYTES)

    def _drop(self, reason: str) -> None:
        if not self.transport.is_closing():
            self._log.warn(reason, address=self._connection.address)
        self.transport.abort()


async def check_deadlines(protocols: Iterable[Any]) -> None:
    """Check all connections about once a second, until cancelled."""
    while True:
        await asyncio.sleep(1.0)
        for one in tuple(protocols):
            one.check()
