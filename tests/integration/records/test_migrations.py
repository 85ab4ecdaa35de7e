"""Migrations on SQLite and PostgreSQL: up, down and up again, and equal to the tables in code."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, insert, inspect, select, update

from contracts.analysis_spec import AnalysisOptions
from contracts.errors import DatabaseError
from contracts.runs import RunState
from contracts.times import utc_now
from records.database import open_engine, reading, transaction
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.schema import downgrade, known_revisions, newest_revision, schema_revision, upgrade
from records.tables.alerts import StoredTarget
from records.tables.base import Base
from records.tables.faces import Track
from records.tables.rollups import DirtyWindow, RunMinute
from records.tables.runs import Run
from records.tables.sources import Source
from tests.new_schema import migrated_schema

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def migrations() -> Iterator[None]:
    """New databases are migrated here, not copied."""
    with migrated_schema():
        yield


def table_names(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_every_revision_can_be_upgraded_and_downgraded(database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    assert table_names(engine) == set(Base.metadata.tables)
    for revision in [*known_revisions()[1:], "base"]:
        downgrade(engine, revision)
        assert (schema_revision(engine) or "base") == revision
    assert table_names(engine) == set()
    upgrade(engine)
    assert table_names(engine) == set(Base.metadata.tables)
    assert schema_revision(engine) == known_revisions()[0] == newest_revision()
    engine.dispose()


def test_the_migrated_schema_equals_the_tables_in_code(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_downgrading_to_an_unknown_revision_raises_an_error(engine: Engine) -> None:
    with pytest.raises(DatabaseError, match="9999"):
        downgrade(engine, "9999")
    assert schema_revision(engine) == known_revisions()[0]


def test_rows_survive_a_downgrade_and_an_upgrade(engine: Engine) -> None:
    job = FileJob(
        "/a.mp4", "hash", "a", False, None, "haar-1", "m", AnalysisOptions(0.4, None, 24, 640)
    )
    with transaction(engine) as connection:
        queued = enqueue_file(connection, job, claimant=None, lease_s=1, again=False)
    downgrade(engine, "0001")
    upgrade(engine)
    with reading(engine) as connection:
        found = connection.execute(
            select(Run.run_id, Source.name, Source.revision, Source.paused).join(
                Source, Source.id == Run.source_pk
            )
        ).all()
    assert [tuple(row) for row in found] == [(queued.run_id, "a", 0, False)]


def test_of_two_runs_of_a_recording_in_an_old_schema_the_latest_counts(engine: Engine) -> None:
    job = FileJob(
        "/a.mp4", "hash", "a", False, None, "haar-1", "m", AnalysisOptions(0.4, None, 24, 640)
    )
    with transaction(engine) as connection:
        for _ in range(2):
            enqueue_file(connection, job, claimant=None, lease_s=1, again=True)
            connection.execute(update(Run).values(state=RunState.DONE))
        other = replace(job, content_hash="other")
        enqueue_file(connection, other, claimant=None, lease_s=1, again=False)
    downgrade(engine, "0002")
    upgrade(engine)
    with reading(engine) as connection:
        counted = connection.execute(select(Run.counted).order_by(Run.id)).scalars().all()
    assert counted == [False, True, True]


def test_minutes_of_runs_with_marked_tracks_are_rolled_up_again(engine: Engine) -> None:
    """Time that they leave out has sums of its own since schema 0010."""
    job = FileJob(
        "/a.mp4", "hash", "a", False, None, "haar-1", "m", AnalysisOptions(0.4, None, 24, 640)
    )
    with transaction(engine) as connection:
        for number, mark in enumerate(["", "static"]):
            one = replace(job, content_hash=str(number))
            enqueue_file(connection, one, claimant=None, lease_s=1, again=False)
            run_pk = number + 1
            values = {"first_frame_index": 0, "last_frame_index": 9, "faces": 10, "mark": mark}
            times = {"first_media_time_us": 0, "last_media_time_us": 9}
            connection.execute(insert(Track).values(run_pk=run_pk, track_id=1, **values, **times))
            connection.execute(insert(RunMinute).values(run_pk=run_pk, start=run_pk * 60_000_000))
    downgrade(engine, "0009")
    upgrade(engine)
    with reading(engine) as connection:
        dirty = connection.execute(select(DirtyWindow.start)).scalars().all()
    assert dirty == [120_000_000]


def test_a_new_sqlite_database_vacuums_incrementally(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == 2
    engine.dispose()


def test_upgrading_a_current_schema_takes_no_lock(engine: Engine) -> None:
    """Every command checks the schema, while the workers commit."""
    other = open_engine(engine.url.render_as_string(hide_password=False))
    with other.begin() as connection:  # Takes SQLite's writing lock.
        connection.execute(select(Run.id))
        begin = time.monotonic()
        upgrade(engine)
    other.dispose()
    assert time.monotonic() - begin < 10  # Waiting for the lock would take 30 s.


def test_targets_that_the_owner_named_may_stay_in_a_private_network(engine: Engine) -> None:
    downgrade(engine, "0011")
    with transaction(engine) as connection:
        for name, kind in (("a", "webhook"), ("b", "mqtt"), ("c", "apprise")):
            values = {"name": name, "kind": kind, "address": "", "secret": "", "private": False}
            more = {"shown_address": "", "created_at": utc_now(), "created_by": "", "holder": None}
            connection.execute(insert(StoredTarget).values(**values, **more))
    upgrade(engine)
    with reading(engine) as connection:
        query = select(StoredTarget.private).order_by(StoredTarget.name)
        assert list(connection.execute(query).scalars()) == [False, True, True]
