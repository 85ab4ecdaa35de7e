"""Given an erasure, the copies outside of the database are deleted too."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from broker.bus import Bus
from broker.dead_letters import DeadLetters
from broker.embedded import EmbeddedBroker
from broker.live_view import SourceView
from contracts.settings import Settings
from moodline.adapters.erased_copies import delete_erased_copies
from moodline.adapters.recording_files import uploads_of
from tests.history import (
    at_us,
    write_history_run,
)

BEGIN = datetime(2026, 5, 4, 9, 58, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_copies_outside_of_the_database_are_deleted_at_once(
    engine: Engine,
    bus: Bus,
    broker: EmbeddedBroker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bus, "prefix", "moodline")
    settings = Settings(home=tmp_path, redis_url=broker.url)
    run = write_history_run(engine, "door", at_us(BEGIN), 30, random.Random(1))
    copies = settings.uploads_path / "annotated"
    copies.mkdir(parents=True)
    for name in (run.run_id, "another"):
        (copies / f"{name}.mp4").write_bytes(b"drawn")
        DeadLetters(bus).add(name, 1, b"a picture", ttl_s=60)
    for source in ("door", "hall"):
        SourceView(source, run.run_id, at_us(NOW), 10, 10, (), b"\xff\xd8\xff picture").publish(bus)

    delete_erased_copies(settings, engine, erase(engine, ErasureScope(source="door"), actor="test"))

    assert [one.stem for one in copies.iterdir()] == ["another"]
    assert DeadLetters(bus).drop([run.run_id]) == 0 and DeadLetters(bus).drop(["another"]) == 1
    assert SourceView.newest(bus, "door") is None and SourceView.newest(bus, "hall") is not None


def test_an_upload_is_deleted_with_its_erased_run(engine: Engine, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    run = write_history_run(engine, "door", at_us(BEGIN), 30, random.Random(1))
    uploads = uploads_of(settings, engine)
    sent = uploads.start("door.mp4", 4, "mark", "me")
    uploads.append(sent.id, 0, b"film")
    uploads.set_result(sent.id, run.run_id, "")
    part = ErasureScope(run_id=run.run_id, until=BEGIN + timedelta(seconds=2))
    delete_erased_copies(settings, engine, erase(engine, part, actor="test"))
    assert sent.path.exists()
    delete_erased_copies(
        settings, engine, erase(engine, ErasureScope(run_id=run.run_id), actor="test")
    )
    assert not sent.path.exists()
