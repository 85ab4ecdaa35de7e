"""Slow or many images on Try an image block no other request."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine

from contracts.settings import Settings
from serving.backend import Backend
from serving.services import ImageReading
from serving.shares import IMAGE
from tests.e2e.commands import poll
from tests.pages import serving

BUSY = "the limit for one user"


class SlowReader:
    """A reader that waits until the test lets it continue."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.waiting = 0

    def read(self, data: bytes) -> ImageReading:
        self.waiting += 1
        assert self.go_on.wait(60)
        return ImageReading(len(data), 1, ())


@pytest.fixture
def reader() -> SlowReader:
    return SlowReader()


@pytest.fixture
def address(sqlite_engine: Engine, reader: SlowReader) -> Iterator[str]:
    with serving(Backend(sqlite_engine, Settings(), read_image=reader.read)) as one:
        yield one
    reader.go_on.set()


def show(address: str, data: bytes = b"picture") -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("localhost", urlsplit(address).port, timeout=60)
    connection.request("POST", "/api/try/read", body=data)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def begin(address: str, length: int = 1000) -> socket.socket:
    """Return a client that sent only a part of its image."""
    port = int(urlsplit(address).port or 0)
    client = socket.create_connection(("localhost", port), timeout=60)
    head = f"POST /api/try/read HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: {length}"
    client.sendall(f"{head}\r\n\r\nsome".encode())
    return client


def test_images_beyond_a_users_limit_are_refused_at_once(address: str, reader: SlowReader) -> None:
    answers: list[tuple[int, dict[str, Any]]] = []
    shows = [
        threading.Thread(target=lambda: answers.append(show(address)))
        for _ in range(IMAGE.each + IMAGE.waiting + 1)
    ]
    for one in shows:
        one.start()
    poll(lambda: answers)
    ((status, answer),) = answers
    assert status == 429 and BUSY in answer["error"]
    assert reader.waiting <= IMAGE.each
    reader.go_on.set()
    for one in shows:
        one.join(60)
    assert [status for status, _ in answers[1:]] == [200] * (IMAGE.each + IMAGE.waiting)


def test_a_slow_upload_is_aborted(
    address: str, reader: SlowReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.go_on.set()
    monkeypatch.setattr("dashboard.try_image.UPLOAD_TIMEOUT_S", 1.0)
    clients = [begin(address) for _ in range(IMAGE.each)]
    assert show(address)[0] == 200, "after the slow ones, which hold all places of the user"
    for client in clients:
        answer = b""
        while piece := client.recv(65_536):
            answer += piece
        assert answer.startswith(b"HTTP/1.1 400") and b"did not arrive within 1 s" in answer
        client.close()


def test_a_disconnected_client_frees_its_place(address: str, reader: SlowReader) -> None:
    reader.go_on.set()
    for client in [begin(address) for _ in range(IMAGE.each + IMAGE.waiting)]:
        client.close()
    poll(lambda: show(address)[0] == 200)
