"""Slow clients of the health server blind no probe, and hold neither threads nor memory."""

import socket
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from contracts.parsing.addresses import HostPort
from moodline.services.health import Health
from moodline.services.health_server import HealthServer

CLIENTS = 500
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    health = Health(3600)
    health.note_step("")
    with HealthServer(health, HostPort("127.0.0.1", 0), "") as server:
        yield server.port


def trickle(port: int, sent: bytes) -> socket.socket:
    """Return a client that sent a part of a request."""
    client = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    client.sendall(sent)
    return client


def probe(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_S) as answer:
        return int(answer.status)


def test_a_probe_is_answered_beside_500_clients_that_trickle(port: int) -> None:
    threads = threading.active_count()
    clients = []
    for number in range(CLIENTS):
        clients.append(trickle(port, b"GET /readyz HTTP/1.1\r\nX: "))
        if number % 50 == 49:
            assert probe(port) == 200
    # A few threads answer the probes.
    assert threading.active_count() - threads < CLIENTS / 10, "no client has a thread of its own"
    for client in clients:
        client.close()


def test_a_client_that_sends_nothing_more_is_disconnected(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moodline.services.health_server._CLIENT_S", 0.1)
    with trickle(port, b"GET /readyz") as client:
        assert closes(client)


def test_an_endless_head_is_not_stored(port: int) -> None:
    with trickle(port, b"GET /readyz HTTP/1.1\r\n") as client, pytest.raises(OSError):
        for _ in range(10_000):
            client.sendall(b"a: " + b"b" * 10_000 + b"\r\n")


def closes(client: socket.socket) -> bool:
    """Wait until the server closes the connection."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
