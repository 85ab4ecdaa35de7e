"""Given any order of commits, kills, rebuilds and retention, rollups equal the sums of rows."""

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.process import BaseProcess
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, Engine, func, select

from analytics.history import rollups as rollups_module
from analytics.history.rollups import mark_all_dirty, roll_up, roll_up_all
from analytics.history.row_sums import RowRange, row_sums
from analytics.removal.retention import RetentionPeriods, apply_retention
from analytics.snapshots import snapshot
from records.database import reading
from records.rollups.windows import MINUTE_S
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import SUMS, DirtyWindow, RunMinute, rollups
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from tests.e2e.commands import poll
from tests.e2e.warm import start_warm
from tests.history import (
    WrittenRun,
    at_us,
    expected_sums,
    set_finished_at,
    stored_sums,
    write_history_run,
)

SPRING = datetime(2026, 3, 29, 0, 58, 30, tzinfo=UTC)
"""Two minutes before Berlin's clocks jump."""
NOW = datetime(2026, 11, 1, tzinfo=UTC)
PERIODS = RetentionPeriods(timedelta(days=30), timedelta(days=90), None, None)


def rows(engine: Engine, table: type[Frame] | type[Face] | type[Track]) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.mark.both_databases
def test_a_run_is_rolled_up_into_every_width(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 300, random.Random(1), step_ms=600)
    assert roll_up_all(engine) == 4
    assert stored_sums(engine) == expected_sums([run])
    assert roll_up(engine) == 0


def test_new_minutes_can_be_rolled_up_before_a_rebuild(engine: Engine) -> None:
    write_history_run(engine, "door", at_us(SPRING), 300, random.Random(1), step_ms=600)
    roll_up_all(engine)
    mark_all_dirty(engine, 1)
    new = write_history_run(engine, "hall", at_us(NOW), 30, random.Random(2))
    roll_up(engine, limit=1, newest_first=True)
    found = {key: sums for key, sums in stored_sums(engine).items() if key[0] == "hall"}
    assert found == expected_sums([new])


def test_the_minutes_of_a_run_add_up_to_its_totals(engine: Engine) -> None:
    write_history_run(engine, "door", at_us(SPRING), 250, random.Random(2), batch=7)
    with reading(engine) as connection:
        sums = connection.execute(
            select(func.sum(RunMinute.captured), func.sum(RunMinute.sampled_out))
        ).one()
        totals = connection.execute(
            select(RunProgress.frames_captured, RunProgress.frames_sampled_out)
        ).one()
    assert tuple(sums) == tuple(totals)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(0, marks=pytest.mark.both_databases),
        1,
        *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3)),
    ],
)
def test_any_order_of_events_gives_the_sums_of_the_rows(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    history: list[WrittenRun] = []

    def write() -> None:
        begin = SPRING + timedelta(seconds=chance.choice([0, 20, 3600, 86_400 * 3, -7200]))
        source = chance.choice(["door", "hall"])
        history.append(
            write_history_run(engine, source, at_us(begin), chance.randrange(1, 500), chance)
        )
        ended = NOW - timedelta(days=chance.choice([0, 40, 100]))
        set_finished_at(engine, history[-1], ended)

    def crash() -> None:
        def die(*_: object) -> None:
            raise RuntimeError("killed")

        with patch.object(rollups_module, "delete", die), pytest.raises(RuntimeError):
            write()
            roll_up(engine)

    def write_during_roll_up() -> None:
        """Commit rows between the roll-up's reading and its writing."""
        write()
        with patch.object(rollups_module, "snapshot", _snapshot_then(write)):
            roll_up(engine)

    def retain_during_roll_up() -> None:
        with patch.object(rollups_module, "snapshot", _snapshot_then(retain)):
            roll_up(engine)

    def retain() -> None:
        apply_retention(engine, PERIODS, now=NOW)

    events = [
        write,
        write,
        crash,
        write_during_roll_up,
        retain_during_roll_up,
        retain,
        lambda: roll_up(engine, limit=chance.randrange(1, 5)),
        lambda: roll_up_all(engine),
        lambda: mark_all_dirty(engine, chance.randrange(2**60)),
    ]
    for _ in range(12):
        chance.choice(events)()
    roll_up_all(engine)
    assert stored_sums(engine) == expected_sums(history)
    mark_all_dirty(engine, 1)
    roll_up_all(engine)
    assert stored_sums(engine) == expected_sums(history)
    apply_retention(engine, PERIODS, now=NOW + timedelta(days=1000))
    assert rows(engine, Frame) == rows(engine, Face) == rows(engine, Track) == 0
    write()  # Late data, for minutes whose rows were removed.
    roll_up_all(engine)
    assert stored_sums(engine) == expected_sums(history)


def _snapshot_then(
    write: Callable[[], None],
) -> Callable[[Engine], AbstractContextManager[Connection]]:
    """Return a `snapshot` that calls `write` when it is closed."""

    @contextmanager
    def wrapped(engine: Engine) -> Iterator[Connection]:
        with snapshot(engine) as connection:
            yield connection
        write()

    return wrapped


@pytest.mark.both_databases
def test_rows_removed_during_a_roll_up_are_counted_once(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 300, random.Random(1))
    set_finished_at(engine, run, NOW - timedelta(days=100))
    remove = partial(apply_retention, engine, PERIODS, now=NOW)
    with patch.object(rollups_module, "snapshot", _snapshot_then(remove)):
        roll_up(engine)
    roll_up_all(engine)
    assert stored_sums(engine) == expected_sums([run])


def test_a_newer_analysis_of_a_recording_replaces_the_older_in_history(engine: Engine) -> None:
    chance = random.Random(4)
    old = write_history_run(engine, "door", at_us(SPRING), 300, chance, content="c", model="1")
    set_finished_at(engine, old, NOW - timedelta(days=100))
    apply_retention(engine, PERIODS, now=NOW)
    assert stored_sums(engine) == expected_sums([old])
    new = write_history_run(engine, "door", at_us(SPRING), 300, chance, content="c", model="2")
    roll_up_all(engine)
    assert stored_sums(engine) == expected_sums([new])
    with reading(engine) as connection:
        counted = dict(connection.execute(select(Run.run_id, Run.counted)).all())
    assert counted == {old.run_id: False, new.run_id: True}


def test_dirty_windows_are_marked_in_the_transaction_of_their_rows(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 300, random.Random(5), batch=7)
    with reading(engine) as connection:
        marked = set(connection.execute(select(DirtyWindow.start)).scalars())
    assert marked == set(run.minutes)


WIDTHS_PER_BATCH = 3
"""How often one batch passes the failpoint: once for each width above the minute."""


def dirty_minutes(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(DirtyWindow)).scalar_one()


@pytest.fixture
def processes() -> Iterator[list[BaseProcess]]:
    """Processes started by the test, killed at its end."""
    started: list[BaseProcess] = []
    yield started
    for one in started:
        one.kill()
        one.join()


@pytest.mark.both_databases
def test_the_next_scheduler_completes_the_rollups_of_a_killed_one(
    engine: Engine, processes: list[BaseProcess]
) -> None:
    chance, begin_us = random.Random(1), at_us(SPRING - timedelta(minutes=8))
    runs = [
        write_history_run(engine, name, begin_us, 160, chance, step_ms=3000, batch=80)
        for name in ("door", "hall")
    ]
    dirty = dirty_minutes(engine)
    url = engine.url.render_as_string(hide_password=False)
    command = "tests.rollup_process", url

    # In its second batch, between two widths.
    processes.append(start_warm(*command, f"roll-up:{WIDTHS_PER_BATCH + 2}"))
    processes[0].join(60)
    assert processes[0].exitcode == -signal.SIGKILL
    assert dirty_minutes(engine) == dirty - 4, "the second batch was rolled back"
    assert stored_sums(engine) != expected_sums(runs)

    processes.append(start_warm(*command))
    poll(lambda: not dirty_minutes(engine))
    assert stored_sums(engine) == expected_sums(runs)
    assert _minutes(engine) == _plain_sums(engine)


def _minutes(engine: Engine) -> dict[tuple[int, int], dict[str, int]]:
    with reading(engine) as connection:
        rows = connection.execute(select(rollups).where(rollups.c.width_s == MINUTE_S)).mappings()
        return {
            (row["source_pk"], row["start"]): {name: row[name] for name in SUMS if row[name]}
            for row in rows
        }


def _plain_sums(engine: Engine) -> dict[tuple[int, int], dict[str, int]]:
    """Return the sums of the rows, computed directly."""
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(Source)).scalar_one() == 2
        return row_sums(connection, RowRange(0, 2**62))
