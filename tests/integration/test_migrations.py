"""The schema goes up, down and up again, on both databases, and equals the tables in the code."""

import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, select

from contracts.analysis_spec import AnalysisOptions
from contracts.errors import DatabaseError
from records.database import (
    downgrade,
    newest_revision,
    open_engine,
    reading,
    revisions,
    schema_revision,
    transaction,
    upgrade,
)
from records.runs.queue import FileJob, enqueue_file
from records.tables.base import Base
from records.tables.runs import Run
from records.tables.sources import Source


def ours(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_up_and_down_through_every_revision(database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    assert ours(engine) == set(Base.metadata.tables)
    for revision in [*revisions()[1:], "base"]:
        downgrade(engine, revision)
        assert (schema_revision(engine) or "base") == revision
    assert ours(engine) == set()
    upgrade(engine)
    assert ours(engine) == set(Base.metadata.tables)
    assert schema_revision(engine) == revisions()[0] == newest_revision()
    engine.dispose()


def test_the_migrations_make_what_the_code_says(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_an_unknown_revision_is_one_line(engine: Engine) -> None:
    with pytest.raises(DatabaseError, match="9999"):
        downgrade(engine, "9999")
    assert schema_revision(engine) == revisions()[0]


def test_what_is_there_survives_the_way_down_and_up(engine: Engine) -> None:
    job = FileJob(
        "/a.mp4", "hash", "a", False, None, "haar-1", "m", AnalysisOptions(0.4, None, 24, 640)
    )
    with transaction(engine) as connection:
        ticket = enqueue_file(connection, job, claimant=None, lease_s=1, again=False)
    downgrade(engine, "0001")
    upgrade(engine)
    with reading(engine) as connection:
        found = connection.execute(
            select(Run.run_id, Source.name, Source.revision, Source.paused).join(
                Source, Source.id == Run.source_pk
            )
        ).all()
    assert [tuple(row) for row in found] == [(ticket.run_id, "a", 0, False)]


def test_a_new_sqlite_database_can_give_space_back(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == 2
    engine.dispose()


def test_a_schema_of_today_is_left_alone_without_a_lock(engine: Engine) -> None:
    """Every command asks, on a first connection of its own; the workers commit all the while."""
    other = open_engine(engine.url.render_as_string(hide_password=False))
    with other.begin() as connection:  # SQLite's writing lock.
        connection.execute(select(Run.id))
        begin = time.monotonic()
        upgrade(engine)
    other.dispose()
    assert time.monotonic() - begin < 10  # The lock would be waited for three times as long.
