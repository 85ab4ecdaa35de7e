"""The dashboard's server: where it refuses to start, how it stops, and what it answers probes."""

import http.client
import socket
from contextlib import suppress

import pytest
from sqlalchemy import Engine

from analytics.health.verdict import Kind, Level, Problem, Verdict
from contracts.errors import SettingsError
from contracts.settings import Settings
from contracts.times import EPOCH
from dashboard.server import serve
from records.database import open_engine
from serving.backend import Backend
from tests.http_client import ask, json_of
from tests.pages import serving
from tests.rtsp import free_ports


def test_serving_beyond_loopback_needs_a_user(sqlite_engine: Engine) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(SettingsError) as caught:
            serve(Backend(sqlite_engine, Settings()), host=host, port=0)
        assert "moodline user add" in caught.value.hint
    with pytest.raises(SettingsError):
        serve(Backend(sqlite_engine, Settings()), host="127.0.0.1", port=0, sign_in=True)


def test_a_used_port_is_an_error() -> None:
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(SettingsError, match="listen"):
        serve(Backend(open_engine("sqlite://"), Settings()), host="127.0.0.1", port=port)


def test_an_open_stream_ends_with_the_server_and_without_a_traceback(
    sqlite_engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(Backend(sqlite_engine, Settings())) as address:
        stream = ask(address, "/api/now/events")
        assert stream.readline().startswith(b"event: clock")
    with suppress(OSError, http.client.HTTPException):
        stream.read()  # It has ended: nothing is waited for.
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("level", "status"), [(Level.DEGRADED, 200), (Level.DOWN, 503), (Level.UNKNOWN, 503)]
)
def test_the_verdict_is_read_once_for_all_and_probes_learn_no_names(
    sqlite_engine: Engine, level: Level, status: int
) -> None:
    problem = Problem(Kind.SOURCE_OFFLINE, level, "door", "door is offline.", EPOCH)
    reads = []

    def read() -> Verdict:
        reads.append(1)
        return Verdict.of([problem], ["workers"], EPOCH)

    with serving(Backend(sqlite_engine, Settings(), health=read)) as address:
        shown = json_of(ask(address, "/api/health"))
        ready = ask(address, "/readyz")
        assert (ready.status, json_of(ready)) == (
            status,
            {"ok": status == 200, "health": str(level), "problems": ["source-offline"]},
        )
    assert (shown["level"], shown["unknown"]) == (str(level), ["workers"])
    assert shown["problems"][0]["text"] == "door is offline."
    assert len(reads) == 1
