"""Addresses that an earlier version stored: sealed at start, and shown with the host only."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from contracts.times import to_micros, utc_now
from records.database import open_engine
from records.schema import downgrade, upgrade
from records.sources.live_sources import SourceSettings, add_source, find_source
from records.sources.sealing import Sealer
from records.sources.stored_addresses import readable_addresses, seal_stored_addresses

URI = "rtsp://camera.local:554/s3cret/live?sid=s3cret"


def everything(path: Path) -> bytes:
    """The bytes of the database's pages in use."""
    engine = open_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        lines = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    engine.dispose()
    return lines.encode()


def test_an_old_database_keeps_no_readable_address(sqlite_engine: Engine, tmp_path: Path) -> None:
    downgrade(sqlite_engine, "0007")
    now = to_micros(utc_now())
    with sqlite_engine.begin() as connection:
        values = {"uri": URI, "now": now, "reason": f"{URI} cannot be opened: timed out"}
        for statement in (
            "INSERT INTO sources (id, name, kind, created_at, uri, shown_uri, tags, looped, paused,"
            " revision) VALUES (1, 'door', 'live', :now, :uri, :uri, '[]', 0, 0, 3)",
            "INSERT INTO source_states (source_pk, state, reason, since, until)"
            " VALUES (1, 'backing_off', :reason, :now, :now)",
        ):
            used = {key: value for key, value in values.items() if f":{key}" in statement}
            connection.execute(text(statement), used)
    upgrade(sqlite_engine)
    sealer = Sealer("", tmp_path / "home")
    assert readable_addresses(sqlite_engine, sealer) == ["door"]
    assert seal_stored_addresses(sqlite_engine, sealer) == 1
    assert seal_stored_addresses(sqlite_engine, sealer) == 0
    source = find_source(sqlite_engine, "door")
    assert (source.shown_uri, source.revision) == ("rtsp://camera.local:554", 3)
    assert sealer.resolve(source.uri, {}) == URI
    stored = everything(tmp_path / "records.db")
    assert b"s3cret" not in stored
    assert b"rtsp://camera.local:554 cannot be opened: timed out" in stored


@pytest.mark.parametrize("uri", ["0", "/data/clip.mp4", "rtsp://camera.local", "sealed:abc"])
def test_an_address_without_a_secret_is_left(
    sqlite_engine: Engine, tmp_path: Path, uri: str
) -> None:
    add_source(sqlite_engine, "door", SourceSettings(uri, uri, None, 5.0, 640, ()))
    sealer = Sealer("", tmp_path / "home")
    assert seal_stored_addresses(sqlite_engine, sealer) == 0
    assert find_source(sqlite_engine, "door").uri == uri
    assert not (tmp_path / "home").exists(), "no key is made before it is needed"
