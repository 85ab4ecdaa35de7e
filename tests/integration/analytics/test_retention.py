"""Given old runs, retention removes their rows and leaves their sums, even if it is interrupted."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, Engine, func, select

from analytics.history.rollups import roll_up_all
from analytics.history.row_sums import RowRange
from analytics.removal import minute_batches as minute_batches_module
from analytics.removal import retention as retention_module
from analytics.removal.minute_batches import minute_batches
from analytics.removal.retention import RetentionPeriods, apply_retention
from analytics.runs.run_summary import run_summary
from analytics.snapshots import in_snapshot
from records.database import reading, transaction
from records.tables.faces import Face, Frame, Track
from tests.history import (
    WrittenRun,
    at_us,
    expected_sums,
    set_finished_at,
    stored_sums,
    write_history_run,
)

BEGIN = datetime(2026, 3, 29, 0, 58, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
PERIODS = RetentionPeriods(timedelta(days=30), timedelta(days=90), None, None)


def rows(engine: Engine, table: type[Frame] | type[Face] | type[Track]) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_rows_younger_than_their_period_are_kept(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 300, random.Random(3))
    set_finished_at(engine, run, NOW - timedelta(days=40))
    roll_up_all(engine)
    removed = apply_retention(engine, PERIODS, now=NOW)
    assert removed.frames == 0
    assert removed.faces == sum(len(frame.faces) for frame in run.frames) > 0
    assert rows(engine, Frame) == 300 and rows(engine, Face) == 0
    assert stored_sums(engine) == expected_sums([run])


def test_a_summary_stays_the_same_after_its_rows_are_removed(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 300, random.Random(3))
    set_finished_at(engine, run, NOW - timedelta(days=100))
    before = in_snapshot(engine, run_summary, run.run_id)
    apply_retention(engine, PERIODS, now=NOW)
    assert rows(engine, Frame) == 0
    assert in_snapshot(engine, run_summary, run.run_id) == before


@pytest.mark.both_databases
def test_a_run_superseded_during_its_removal_is_not_counted(engine: Engine) -> None:
    chance, new = random.Random(4), list[WrittenRun]()
    old = write_history_run(engine, "door", at_us(BEGIN), 300, chance, content="c", model="1")
    set_finished_at(engine, old, NOW - timedelta(days=100))
    roll_up_all(engine)

    def batches_then_supersede(engine: Engine, run_pk: int) -> list[RowRange]:
        batches = minute_batches(engine, run_pk)
        if not new:
            new.append(
                write_history_run(engine, "door", at_us(BEGIN), 300, chance, content="c", model="2")
            )
        return batches

    with patch.object(retention_module, "minute_batches", batches_then_supersede):
        apply_retention(engine, PERIODS, now=NOW)
    roll_up_all(engine)
    assert stored_sums(engine) == expected_sums(new)


class Killed(BaseException):
    """Raised instead of killing the process."""


@pytest.mark.parametrize("after", [1, pytest.param(2, marks=pytest.mark.both_databases), 3, 4, 5])
def test_a_killed_retention_is_completed_by_the_next(engine: Engine, after: int) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 180, random.Random(6), step_ms=1000)
    set_finished_at(engine, run, NOW - timedelta(days=100))
    roll_up_all(engine)
    before, left = in_snapshot(engine, run_summary, run.run_id), iter(range(after))

    @contextmanager
    def dying(engine: Engine) -> Iterator[Connection]:
        with transaction(engine) as connection:
            yield connection
        if next(left, None) is None:
            raise Killed

    few = patch.object(minute_batches_module, "FRAMES_PER_BATCH", 1)
    with few, patch.object(retention_module, "transaction", dying), pytest.raises(Killed):
        apply_retention(engine, PERIODS, now=NOW)
    assert in_snapshot(engine, run_summary, run.run_id) == before
    apply_retention(engine, PERIODS, now=NOW)
    assert rows(engine, Frame) == rows(engine, Face) == rows(engine, Track) == 0
    assert in_snapshot(engine, run_summary, run.run_id) == before
