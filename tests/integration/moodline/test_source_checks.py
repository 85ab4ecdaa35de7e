"""A source is tested before it is added, and a failed test says why to those who may know."""

import socket
from pathlib import Path

import pytest
from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.parsing.addresses import HostPort
from contracts.settings import Settings
from contracts.zones.turning import NO_TURN
from ingest.live.uris import cannot_open
from moodline.adapters.probing.probe_failures import explained_failure
from moodline.adapters.sources import SourceEditor
from moodline.commands.live.source_settings import source_add
from records.database import open_engine
from records.sources.allowed_places import allow_place
from records.sources.live_sources import live_sources
from tests.media import steady, write_video

URI = "rtsp://me:s3cret@camera.example/live"


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("Server returned 404 Not Found", "no video at this path"),
        ("HTTP status 404", "no video at this path"),
        ("HTTP status 401", "refuses the user name or password"),
        ("Connection refused", "nothing listens at this port"),
        ("it did not send its video within 8 s", "does not answer"),
        ("No route to host", "does not answer"),
        ("its process ended with status -14", "does not answer"),
        ("it does not speak RTSP", "not with a video"),
        ("something else", "(something else)"),
    ],
)
def test_a_failed_test_is_explained_without_the_password(detail: str, words: str) -> None:
    found = explained_failure(URI, cannot_open(URI, detail))
    assert words in found.line() and "camera.example" in found.line()
    assert "s3cret" not in found.detailed_line()
    assert "moodline source test" not in found.line(), "this is its answer"


@pytest.fixture
def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_an_administrator_learns_at_once_why_a_test_failed(
    moodline_home: Path, sqlite_engine: Engine, closed_port: int
) -> None:
    """Others wait for the same time whatever the cause: here that would be longer than the test."""
    allow_place(sqlite_engine, HostPort("127.0.0.1", closed_port), actor="ada")
    editor = SourceEditor(Settings.read(), sqlite_engine, failure_after_s=100_000.0)
    with pytest.raises(SourceError, match="nothing listens at this port"):
        editor.probe(f"rtsp://127.0.0.1:{closed_port}/live", "", NO_TURN, explained=True)


def test_a_command_adds_what_delivers_pictures(
    moodline_home: Path, tmp_path: Path, closed_port: int
) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, steady(20))
    missing = f"rtsp://127.0.0.1:{closed_port}/live"
    source_add("clip", str(clip), test=True)
    with pytest.raises(SourceError, match="nothing listens") as raised:
        source_add("door", missing, test=True)
    assert "--no-test" in raised.value.line()
    source_add("later", missing, test=False)
    engine = open_engine(Settings.read().effective_database_url)
    assert [one.name for one in live_sources(engine)] == ["clip", "later"]
    engine.dispose()
