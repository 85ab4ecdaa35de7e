"""Rollups equal what the rows add up to: late data, crashes, rebuilds, and rows long gone."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, Engine, func, select

from analytics.history import rollups as rollups_module
from analytics.history.rollups import fold, fold_all, rebuild
from analytics.history.row_sums import Rows
from analytics.removal import minute_batches as slices_module
from analytics.removal import retention as retention_module
from analytics.removal.minute_batches import minute_slices
from analytics.removal.retention import Ages, apply_retention
from analytics.runs.run_list import run_summary
from analytics.snapshots import snapshot
from records.database import reading, transaction
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import DirtyWindow, RunMinute
from records.tables.runs import Run, RunProgress
from tests.history import WrittenRun, at_us, expected, finished_at, stored, write_history_run

SPRING = datetime(2026, 3, 29, 0, 58, 30, tzinfo=UTC)
"""Two minutes before Berlin's clocks jump."""
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ALL = Ages(timedelta(days=30), timedelta(days=90), None, None)


def rows(engine: Engine, table: type[Frame] | type[Face] | type[Track]) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_run_is_folded_into_every_width(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 900, random.Random(1))
    assert fold_all(engine) == 4
    assert stored(engine) == expected([run])
    assert fold(engine) == 0


def test_what_is_new_can_be_folded_before_what_is_computed_anew(engine: Engine) -> None:
    write_history_run(engine, "door", at_us(SPRING), 900, random.Random(1))
    fold_all(engine)
    rebuild(engine, 1)
    new = write_history_run(engine, "hall", at_us(NOW), 30, random.Random(2))
    fold(engine, limit=1, newest_first=True)
    found = {key: sums for key, sums in stored(engine).items() if key[0] == "hall"}
    assert found == expected([new])


def test_the_minutes_of_a_run_add_up_to_its_totals(engine: Engine) -> None:
    write_history_run(engine, "door", at_us(SPRING), 500, random.Random(2))
    with reading(engine) as connection:
        sums = connection.execute(
            select(func.sum(RunMinute.captured), func.sum(RunMinute.sampled_out))
        ).one()
        totals = connection.execute(
            select(RunProgress.frames_captured, RunProgress.frames_sampled_out)
        ).one()
    assert tuple(sums) == tuple(totals)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))])
def test_any_order_of_events_gives_what_the_rows_add_up_to(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    history: list[WrittenRun] = []

    def write() -> None:
        begin = SPRING + timedelta(seconds=chance.choice([0, 20, 3600, 86_400 * 3, -7200]))
        source = chance.choice(["door", "hall"])
        history.append(
            write_history_run(engine, source, at_us(begin), chance.randrange(1, 500), chance)
        )
        ended = NOW - timedelta(days=chance.choice([0, 40, 100]))
        finished_at(engine, history[-1], ended)

    def crash() -> None:
        def die(*_: object) -> None:
            raise RuntimeError("killed")

        with patch.object(rollups_module, "delete", die), pytest.raises(RuntimeError):
            write()
            fold(engine)

    def write_while_it_folds() -> None:
        """Rows that are committed between its reading and its writing are not lost."""
        write()
        with patch.object(rollups_module, "snapshot", _snapshot_then(write)):
            fold(engine)

    def retain_while_it_folds() -> None:
        with patch.object(rollups_module, "snapshot", _snapshot_then(retain)):
            fold(engine)

    def retain() -> None:
        apply_retention(engine, ALL, now=NOW)

    events = [
        write,
        write,
        crash,
        write_while_it_folds,
        retain_while_it_folds,
        retain,
        lambda: fold(engine, limit=chance.randrange(1, 5)),
        lambda: fold_all(engine),
        lambda: rebuild(engine, chance.randrange(2**60)),
    ]
    for _ in range(12):
        chance.choice(events)()
    fold_all(engine)
    assert stored(engine) == expected(history)
    rebuild(engine, 1)
    fold_all(engine)
    assert stored(engine) == expected(history)
    apply_retention(engine, ALL, now=NOW + timedelta(days=1000))
    assert rows(engine, Frame) == rows(engine, Face) == rows(engine, Track) == 0
    write()  # Late data, for minutes whose rows are gone.
    fold_all(engine)
    assert stored(engine) == expected(history)


def _snapshot_then(
    write: Callable[[], None],
) -> Callable[[Engine], AbstractContextManager[Connection]]:
    """A snapshot after which somebody writes before the folding goes on."""

    @contextmanager
    def wrapped(engine: Engine) -> Iterator[Connection]:
        with snapshot(engine) as connection:
            yield connection
        write()

    return wrapped


def test_what_retention_removes_while_rollups_fold_is_counted_once(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 300, random.Random(1))
    finished_at(engine, run, NOW - timedelta(days=100))
    remove = partial(apply_retention, engine, ALL, now=NOW)
    with patch.object(rollups_module, "snapshot", _snapshot_then(remove)):
        fold(engine)
    fold_all(engine)
    assert stored(engine) == expected([run])


def test_a_run_that_is_superseded_while_its_rows_go_is_counted_no_more(engine: Engine) -> None:
    chance, new = random.Random(4), list[WrittenRun]()
    old = write_history_run(engine, "door", at_us(SPRING), 300, chance, content="c", model="1")
    finished_at(engine, old, NOW - timedelta(days=100))
    fold_all(engine)

    def slices_then_supersede(engine: Engine, run_pk: int) -> list[Rows]:
        slices = minute_slices(engine, run_pk)
        if not new:
            new.append(
                write_history_run(
                    engine, "door", at_us(SPRING), 300, chance, content="c", model="2"
                )
            )
        return slices

    with patch.object(retention_module, "minute_slices", slices_then_supersede):
        apply_retention(engine, ALL, now=NOW)
    fold_all(engine)
    assert stored(engine) == expected(new)


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", range(1, 6))
def test_a_killed_retention_leaves_nothing_behind(engine: Engine, after: int) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 900, random.Random(6))
    finished_at(engine, run, NOW - timedelta(days=100))
    fold_all(engine)
    before, left = run_summary(engine, run.run_id), iter(range(after))

    @contextmanager
    def dying(engine: Engine) -> Iterator[Connection]:
        with transaction(engine) as connection:
            yield connection
        if next(left, None) is None:
            raise Killed

    few = patch.object(slices_module, "ROWS_A_SLICE", 1)
    with few, patch.object(retention_module, "transaction", dying), pytest.raises(Killed):
        apply_retention(engine, ALL, now=NOW)
    assert run_summary(engine, run.run_id) == before
    apply_retention(engine, ALL, now=NOW)
    assert rows(engine, Frame) == rows(engine, Face) == rows(engine, Track) == 0
    assert run_summary(engine, run.run_id) == before


def test_what_is_younger_than_its_age_stays(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 300, random.Random(3))
    finished_at(engine, run, NOW - timedelta(days=40))
    fold_all(engine)
    removed = apply_retention(engine, ALL, now=NOW)
    assert removed.frames == 0
    assert removed.faces == sum(len(frame.faces) for frame in run.frames) > 0
    assert rows(engine, Frame) == 300 and rows(engine, Face) == 0
    assert stored(engine) == expected([run])


def test_a_summary_is_the_same_when_the_rows_are_gone(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 300, random.Random(3))
    finished_at(engine, run, NOW - timedelta(days=100))
    before = run_summary(engine, run.run_id)
    apply_retention(engine, ALL, now=NOW)
    assert rows(engine, Frame) == 0
    assert run_summary(engine, run.run_id) == before


def test_a_better_models_run_takes_the_place_of_the_older_one(engine: Engine) -> None:
    chance = random.Random(4)
    old = write_history_run(engine, "door", at_us(SPRING), 300, chance, content="c", model="1")
    finished_at(engine, old, NOW - timedelta(days=100))
    apply_retention(engine, ALL, now=NOW)
    assert stored(engine) == expected([old])
    new = write_history_run(engine, "door", at_us(SPRING), 300, chance, content="c", model="2")
    fold_all(engine)
    assert stored(engine) == expected([new])
    with reading(engine) as connection:
        counted = dict(connection.execute(select(Run.run_id, Run.counted)).all())
    assert counted == {old.run_id: False, new.run_id: True}


def test_dirty_windows_are_marked_in_the_transaction_of_their_rows(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(SPRING), 300, random.Random(5))
    with reading(engine) as connection:
        marked = set(connection.execute(select(DirtyWindow.start)).scalars())
    assert marked == set(run.minutes)
