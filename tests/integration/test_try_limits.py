"""Who shows pictures slowly, or many at once, holds up nobody but those who show pictures."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contracts.settings import Settings
from dashboard.try_image import MOST_COMING, MOST_READ
from dashboard.web.backend import Backend
from records.database import open_engine, upgrade
from tests.e2e.commands import poll
from tests.pages import serving

BUSY = "others show pictures just now"


class SlowDesk:
    """Reads no picture before it may."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.waiting = 0

    def read(self, data: bytes) -> dict[str, Any]:
        self.waiting += 1
        assert self.go_on.wait(60)
        return {"width": len(data), "height": 1, "faces": []}


@pytest.fixture
def desk() -> SlowDesk:
    return SlowDesk()


@pytest.fixture
def address(tmp_path: Path, desk: SlowDesk) -> Iterator[str]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    with serving(Backend(engine, Settings(), read_image=desk.read)) as one:
        yield one
    desk.go_on.set()
    engine.dispose()


def show(address: str, data: bytes = b"picture") -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("localhost", urlsplit(address).port, timeout=60)
    connection.request("POST", "/api/try/read", body=data)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def begin(address: str, length: int = 1000) -> socket.socket:
    """A client that sends a part of its picture, and no more."""
    port = int(urlsplit(address).port or 0)
    client = socket.create_connection(("localhost", port), timeout=60)
    head = f"POST /api/try/read HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: {length}"
    client.sendall(f"{head}\r\n\r\nsome".encode())
    return client


def test_more_pictures_than_can_be_read_are_told_so_at_once(address: str, desk: SlowDesk) -> None:
    told: list[tuple[int, dict[str, Any]]] = []
    shows = [threading.Thread(target=lambda: told.append(show(address))) for _ in range(MOST_READ)]
    for one in shows:
        one.start()
    poll(lambda: desk.waiting == MOST_READ)
    begun = time.monotonic()
    for _ in range(50):  # More than the server has threads.
        status, said = show(address)
        assert status == 503 and said["error"].startswith(BUSY)
    assert time.monotonic() - begun < 30
    desk.go_on.set()
    for one in shows:
        one.join(60)
    assert [status for status, _ in told] == [200] * MOST_READ
    assert show(address)[0] == 200


def test_a_picture_that_comes_too_slowly_is_given_up(
    address: str, desk: SlowDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.go_on.set()
    monkeypatch.setattr("dashboard.try_image.BODY_S", 3.0)
    clients = [begin(address) for _ in range(MOST_COMING)]
    poll(lambda: show(address)[0] == 503)
    for client in clients:
        answer = b""
        while piece := client.recv(65_536):
            answer += piece
        assert answer.startswith(b"HTTP/1.1 400") and b"was not here after 3 s" in answer
        client.close()
    assert show(address)[0] == 200 and desk.waiting >= 1


def test_who_hangs_up_leaves_room(address: str, desk: SlowDesk) -> None:
    desk.go_on.set()
    for client in [begin(address) for _ in range(MOST_COMING)]:
        client.close()
    poll(lambda: show(address)[0] == 200)
