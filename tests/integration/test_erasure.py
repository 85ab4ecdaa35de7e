"""Erasing takes all of what was asked for, wherever it is, and nothing else."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from analytics.erasure import Scope, audit_entries, erase
from analytics.queries import list_runs, run_summary
from analytics.retention import Ages, apply_retention
from analytics.rollups import fold_all
from contracts.database import reading
from contracts.errors import RunNotFoundError, SettingsError, SourceNotFoundError
from contracts.history import COUNT_SUMS, MINUTE_S, RunMinute, rollups, window_start
from contracts.records import Face, Frame, Run, RunProgress, Source, Track
from tests.history import (
    Windows,
    WrittenRun,
    at_us,
    expected,
    finished_at,
    stored,
    write_history_run,
)

BEGIN = datetime(2026, 5, 4, 9, 58, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = Ages(timedelta(days=30), timedelta(days=30), None, None)
TABLES = (Run, RunProgress, RunMinute, Frame, Face, Track)


def write_some(engine: Engine, chance: random.Random) -> list[WrittenRun]:
    return [
        write_history_run(
            engine,
            source,
            at_us(BEGIN + timedelta(minutes=chance.randrange(60))),
            chance.randrange(50, 600),
            chance,
        )
        for source in ("door", "door", "hall")
    ]


def without(runs: list[WrittenRun], scope: Scope, *, whole_minutes: bool) -> list[WrittenRun]:
    """The runs as they should be afterwards."""

    def stays(run: WrittenRun, captured_us: int) -> bool:
        if scope.source not in (None, run.source) or scope.run_id not in (None, run.run_id):
            return True
        since_us, until_us = scope.since_us, scope.until_us
        if whole_minutes:
            since_us = window_start(since_us, MINUTE_S)
            until_us = -window_start(-until_us, MINUTE_S)
        return not since_us <= captured_us < until_us

    return [
        replace(run, frames=[one for one in run.frames if stays(run, one.captured_at_us)])
        for run in runs
    ]


def of_people(found: Windows, *, tracks: bool) -> Windows:
    """Without the accounting of frames, and perhaps without the tracks."""
    names = {*COUNT_SUMS} | (set() if tracks else {"tracks_begun", "tracks_carried"})
    kept = {
        key: Counter({name: count for name, count in sums.items() if name not in names})
        for key, sums in found.items()
    }
    return {key: sums for key, sums in kept.items() if sums}


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_erased_is_gone_and_nothing_else(
    engine: Engine, seed: int, *, settled: bool
) -> None:
    chance = random.Random(seed)
    runs = write_some(engine, chance)
    if settled:
        for run in runs:
            finished_at(engine, run, NOW - timedelta(days=40))
        apply_retention(engine, MONTH, now=NOW)
    fold_all(engine)
    since = BEGIN + timedelta(seconds=chance.randrange(3000))
    until = since + timedelta(seconds=chance.randrange(1, 2000))
    scope = chance.choice(
        [
            Scope(source="door"),
            Scope(run_id=runs[0].run_id),
            Scope(since=since, until=until),
            Scope(source="door", since=since),
            Scope(run_id=runs[1].run_id, until=until),
        ]
    )
    before = stored(engine)
    told = erase(engine, scope, actor="test", dry_run=True)
    assert stored(engine) == before and not audit_entries(engine)
    receipt = erase(engine, scope, actor="test")
    left = without(runs, scope, whole_minutes=settled)
    tracks = not settled
    assert of_people(stored(engine), tracks=tracks) == of_people(expected(left), tracks=tracks)
    assert replace(told, at=receipt.at, dry_run=False, number=receipt.number) == receipt
    if not settled:
        erased = sum(len(run.frames) for run in runs) - sum(len(run.frames) for run in left)
        assert receipt.frames == erased == erased_or_gone(engine, runs)
    (entry,) = audit_entries(engine)
    assert entry["id"] == receipt.number and entry["details"]["frames"] == receipt.frames


def erased_or_gone(engine: Engine, runs: list[WrittenRun]) -> int:
    with reading(engine) as connection:
        kept = connection.execute(select(func.count()).select_from(Frame)).scalar_one()
    return sum(len(run.frames) for run in runs) - kept


def test_a_source_without_a_trace(engine: Engine) -> None:
    chance = random.Random(9)
    runs = write_some(engine, chance)
    finished_at(engine, runs[0], NOW - timedelta(days=40))
    apply_retention(engine, MONTH, now=NOW)
    fold_all(engine)
    erase(engine, Scope(source="door"), actor="test")
    erase(engine, Scope(source="hall"), actor="test")
    with reading(engine) as connection:
        for table in (*TABLES, Source):
            assert not connection.execute(select(func.count()).select_from(table)).scalar_one()
        assert not connection.execute(select(func.count()).select_from(rollups)).scalar_one()


def test_a_run_says_how_much_of_it_was_erased(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 300, random.Random(1))
    until = BEGIN + timedelta(seconds=20)
    receipt = erase(engine, Scope(run_id=run.run_id, until=until), actor="test")
    summary = run_summary(engine, run.run_id)
    assert receipt.frames == 100 == summary.coverage.dropped["erased"]
    assert summary.frames_analyzed == 200
    assert summary.coverage.captured == (
        summary.frames_analyzed
        + summary.coverage.sampled_out
        + sum(summary.coverage.dropped.values())
    )


def test_a_run_whose_last_frame_was_erased_is_gone(engine: Engine) -> None:
    write_history_run(engine, "door", at_us(BEGIN), 30, random.Random(1))
    erase(engine, Scope(since=BEGIN, until=BEGIN + timedelta(hours=1)), actor="test")
    assert list_runs(engine) == ()


def test_the_older_analysis_counts_again_when_the_newer_is_erased(engine: Engine) -> None:
    chance = random.Random(2)
    old = write_history_run(engine, "door", at_us(BEGIN), 90, chance, content="c", model="1")
    new = write_history_run(engine, "door", at_us(BEGIN), 90, chance, content="c", model="2")
    fold_all(engine)
    assert stored(engine) == expected([new])
    erase(engine, Scope(run_id=new.run_id), actor="test")
    assert stored(engine) == expected([old])


def test_scopes_that_mean_nothing_are_refused(engine: Engine) -> None:
    with pytest.raises(SettingsError, match="everything"):
        erase(engine, Scope(), actor="test")
    with pytest.raises(SettingsError, match="empty"):
        erase(engine, Scope(since=NOW, until=BEGIN), actor="test")
    with pytest.raises(SourceNotFoundError, match="attic"):
        erase(engine, Scope(source="attic"), actor="test")
    with pytest.raises(RunNotFoundError):
        erase(engine, Scope(run_id="none"), actor="test")
