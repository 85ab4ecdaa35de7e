"""Deadlines of connections, with a clock and a transport of the test."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from dashboard.web.limits.deadlines import (
    ANSWER_STALL_S,
    BODY_GRACE_S,
    HEAD_S,
    IDLE_S,
    MAX_HEAD_BYTES,
    MIN_BODY_RATE,
    REFUSED_BODY_S,
    DeadlineProtocol,
)
from runtime.connections import ConnectionTable
from runtime.rare_log import RareLog

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


class Loop:
    """The clock of an event loop; tasks never run."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def create_task(self, coroutine: Any, **_options: Any) -> "asyncio.Future[None]":
        coroutine.close()
        return self.future

    def call_later(self, *_arguments: Any) -> Any:
        return asyncio.TimerHandle(0, lambda: None, (), self.future.get_loop())

    def __init__(self) -> None:
        self.real = asyncio.new_event_loop()
        self.future: asyncio.Future[None] = self.real.create_future()


class Transport(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unsent = 0
        self.is_open = True

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.is_open = False

    close = abort

    def is_closing(self) -> bool:
        return not self.is_open

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Client:
    """One connection, and the passing of time."""

    def __init__(self) -> None:
        self.loop, self.transport = Loop(), Transport()
        table = ConnectionTable(10, 10)
        connection, _ = table.add("192.0.2.1", self.transport.abort)
        assert connection is not None
        config = uvicorn.Config(
            lambda: None, h11_max_incomplete_event_size=MAX_HEAD_BYTES, log_config=None
        )
        config.load()
        self.protocol = DeadlineProtocol(
            connection=connection,
            table=table,
            log=RareLog(),
            config=config,
            server_state=ServerState(),
            app_state={},
            _loop=self.loop,
        )
        self.protocol.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def is_open_after(self, seconds: float) -> bool:
        """Let time pass, with a check each second."""
        for _ in range(int(seconds)):
            self.loop.now += 1.0
            self.protocol.check()
        return self.transport.is_open

    def finish_answer(self) -> None:
        self.protocol.cycle.response_complete = True
        self.protocol.on_response_complete()


@pytest.fixture
def client() -> Iterator[Client]:
    one = Client()
    yield one
    one.loop.real.close()


def test_a_head_that_trickles_ends_the_connection(client: Client) -> None:
    for byte in b"GET / HT":
        client.send(bytes([byte]))
        assert client.is_open_after(1)
    assert client.is_open_after(HEAD_S - 8)
    assert not client.is_open_after(1)


def test_a_head_beyond_16_kb_is_refused(client: Client) -> None:
    client.send(b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 40_000 + b"\r\n\r\n")
    assert client.transport.written.startswith(b"HTTP/1.1 400") and not client.transport.is_open
    assert client.protocol.cycle is None, "the application sees nothing of it"


def test_a_chunk_of_8_mib_passes_at_200_kb_a_second(client: Client) -> None:
    size = 8 * 2**20
    client.send(HEAD % size)
    sent = 0
    while sent < size:
        client.send(b"x" * min(200_000, size - sent))
        sent += 200_000
        client.protocol.flow.resume_reading()  # As the application reads.
        assert client.is_open_after(1)
    assert not client.protocol.cycle.more_body


def test_a_body_that_trickles_ends_the_connection(client: Client) -> None:
    client.send(HEAD % 1000)
    for _ in range(int(BODY_GRACE_S)):
        client.send(b"x")
        assert client.is_open_after(1)
    assert not client.is_open_after(1)


def test_a_client_is_not_late_while_the_server_does_not_read(client: Client) -> None:
    client.send(HEAD % 10_000_000)
    client.send(b"x" * 100_000)
    assert client.protocol.flow.read_paused
    assert client.is_open_after(300)
    client.protocol.flow.resume_reading()
    assert not client.is_open_after(BODY_GRACE_S + 100_000 / MIN_BODY_RATE + 1)


def test_a_refused_body_is_not_read_for_long(client: Client) -> None:
    client.send(HEAD % 10_000_000)
    client.finish_answer()
    assert client.is_open_after(REFUSED_BODY_S)
    assert not client.is_open_after(1)


def test_an_idle_connection_has_a_new_deadline_with_its_next_request(client: Client) -> None:
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.is_open_after(600), "an answer may take long"
    client.finish_answer()
    assert client.is_open_after(IDLE_S)
    client.send(b"GET")
    assert client.is_open_after(HEAD_S)
    assert not client.is_open_after(1)


def test_a_client_that_reads_nothing_of_its_answer_is_dropped(client: Client) -> None:
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    client.transport.unsent = 60_000
    assert client.is_open_after(ANSWER_STALL_S)
    client.transport.unsent = 59_000
    assert client.is_open_after(ANSWER_STALL_S), "it has read a little"
    assert not client.is_open_after(2)


def test_a_slow_download_that_goes_on_is_kept(client: Client) -> None:
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    client.transport.unsent = 60_000
    for _ in range(10):
        assert client.is_open_after(ANSWER_STALL_S - 1)
        client.protocol.pause_writing()
        client.protocol.resume_writing()
    assert client.transport.is_open
