"""The dashboard's server refuses to start where it cannot listen or where sign-in is missing."""

import socket

import pytest
from sqlalchemy import Engine

from contracts.errors import SettingsError
from contracts.settings import Settings
from dashboard.server import serve
from dashboard.web.backend import Backend
from records.database import open_engine
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
