"""Given a scope, an erasure removes everything in it, everywhere, and nothing else."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, func, insert, select

from analytics.audit import audit_entries
from analytics.history.rollups import mark_all_dirty, roll_up_all
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.removal.retention import RetentionPeriods, apply_retention
from analytics.runs.run_list import list_runs
from analytics.runs.run_summary import run_summary
from analytics.snapshots import in_snapshot
from contracts.errors import RunNotFoundError, SettingsError, SourceNotFoundError
from records.database import reading, transaction
from records.rollups.windows import MINUTE_S, window_start
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import COUNT_SUMS, RunMinute, rollups
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.sources import Source
from tests.history import (
    Windows,
    WrittenRun,
    at_us,
    expected_sums,
    set_finished_at,
    stored_sums,
    write_history_run,
)

BEGIN = datetime(2026, 5, 4, 9, 58, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = RetentionPeriods(timedelta(days=30), timedelta(days=30), None, None)
TABLES = (Run, RunProgress, RunMinute, Frame, Face, Track, DeadLetter)


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


def without(
    runs: list[WrittenRun], scope: ErasureScope, *, whole_minutes: bool
) -> list[WrittenRun]:
    """Return the runs as they must be after the erasure."""

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
    """Leave out the frame counts, and optionally the tracks."""
    names = {*COUNT_SUMS} | (set() if tracks else {"tracks_begun", "tracks_carried"})
    kept = {
        key: Counter({name: count for name, count in sums.items() if name not in names})
        for key, sums in found.items()
    }
    return {key: sums for key, sums in kept.items() if sums}


SCOPES: dict[str, Callable[[list[WrittenRun], datetime, datetime], ErasureScope]] = {
    "a source": lambda runs, since, until: ErasureScope(source="door"),
    "a run": lambda runs, since, until: ErasureScope(run_id=runs[0].run_id),
    "a range": lambda runs, since, until: ErasureScope(since=since, until=until),
    "a source from then on": lambda runs, since, until: ErasureScope(source="door", since=since),
    "a run up to then": lambda runs, since, until: ErasureScope(run_id=runs[1].run_id, until=until),
}


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize(
    "named",
    [
        "a source",
        "a run",
        "a range",
        "a source from then on",
        pytest.param("a run up to then", marks=pytest.mark.both_databases),
    ],
)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_an_erasure_removes_its_scope_and_nothing_else(
    engine: Engine, seed: int, named: str, *, removed: bool
) -> None:
    chance = random.Random(f"{seed} {named}")
    runs = write_some(engine, chance)
    if removed:
        for run in runs:
            set_finished_at(engine, run, NOW - timedelta(days=40))
        apply_retention(engine, MONTH, now=NOW)
    roll_up_all(engine)
    since = BEGIN + timedelta(seconds=chance.randrange(3000))
    until = since + timedelta(seconds=chance.randrange(1, 2000))
    scope = SCOPES[named](runs, since, until)
    before = stored_sums(engine)
    preview = erase(engine, scope, actor="test", dry_run=True)
    assert stored_sums(engine) == before and not in_snapshot(engine, audit_entries)
    receipt = erase(engine, scope, actor="test")
    left = without(runs, scope, whole_minutes=removed)
    tracks = not removed
    for _ in range(2):
        assert of_people(stored_sums(engine), tracks=tracks) == of_people(
            expected_sums(left), tracks=tracks
        )
        mark_all_dirty(engine, 1)
        roll_up_all(engine)
    assert receipt == replace(
        preview, at=receipt.at, dry_run=False, number=receipt.number, remains=receipt.remains
    )
    if not removed:
        erased = sum(len(run.frames) for run in runs) - sum(len(run.frames) for run in left)
        assert receipt.frames == erased == erased_or_gone(engine, runs)
        assert kept_faces(engine) == faces_of(left)
        assert kept_tracks(engine) == tracks_of(left)
    (entry,) = in_snapshot(engine, audit_entries)
    assert entry.id == receipt.number and entry.details["frames"] == receipt.frames


def kept_faces(engine: Engine) -> set[tuple[str, int, int]]:
    with reading(engine) as connection:
        rows = connection.execute(
            select(Run.run_id, Face.frame_index, Face.track_id).join(Run, Run.id == Face.run_pk)
        )
        return {(run_id, index, track) for run_id, index, track in rows}


def faces_of(runs: list[WrittenRun]) -> set[tuple[str, int, int]]:
    return {
        (run.run_id, frame.frame_index, face.track_id)
        for run in runs
        for frame in run.frames
        for face in frame.faces
    }


def kept_tracks(engine: Engine) -> dict[tuple[str, int], tuple[int, int, int]]:
    with reading(engine) as connection:
        rows = connection.execute(
            select(
                Run.run_id,
                Track.track_id,
                Track.first_frame_index,
                Track.last_frame_index,
                Track.faces,
            ).join(Run, Run.id == Track.run_pk)
        )
        return {(run_id, track): (first, last, n) for run_id, track, first, last, n in rows}


def tracks_of(runs: list[WrittenRun]) -> dict[tuple[str, int], tuple[int, int, int]]:
    seen: dict[tuple[str, int], list[int]] = {}
    for run_id, index, track in sorted(faces_of(runs)):
        seen.setdefault((run_id, track), []).append(index)
    return {key: (indexes[0], indexes[-1], len(indexes)) for key, indexes in seen.items()}


def test_runs_of_one_source_are_found_without_the_time_index(sqlite_engine: Engine) -> None:
    engine = sqlite_engine
    write_some(engine, random.Random(1))
    asked: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", listen)
    erase(engine, ErasureScope(source="hall", since=BEGIN), actor="test", dry_run=True)
    event.remove(engine, "before_cursor_execute", listen)
    with reading(engine) as connection:
        for statement, values in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert "ix_run_minutes_start" not in str(plan), plan
            assert "ix_frames_captured_at" not in str(plan), plan


@pytest.mark.both_databases
def test_dead_letters_are_erased_with_the_frames_around_them(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 300, random.Random(1))
    letters = {1: 50, 2: 149, 3: 151, 4: 250, 5: None}
    with transaction(engine) as connection:
        pk = connection.execute(select(Run.id)).scalar_one()
        # They replace frames in the middle of the recording.
        for frame_index in letters.values():
            for table in (Face, Frame):
                connection.execute(delete(table).where(table.frame_index == frame_index))
        connection.execute(
            insert(DeadLetter),
            [
                {"run_pk": pk, "seq": seq, "frame_index": at, "reason": "x", "at": NOW}
                for seq, at in letters.items()
            ],
        )
    until = BEGIN + timedelta(seconds=30)

    receipt = erase(engine, ErasureScope(run_id=run.run_id, until=until), actor="test")

    with reading(engine) as connection:
        left = connection.execute(select(DeadLetter.seq).order_by(DeadLetter.seq)).scalars().all()
    assert left == [3, 4]  # The one without a frame index may be in the range, so it is erased.
    assert (receipt.frames, receipt.dead_letters) == (148, 3)
    assert in_snapshot(engine, run_summary, run.run_id).coverage.dropped["erased"] == 151


def erased_or_gone(engine: Engine, runs: list[WrittenRun]) -> int:
    with reading(engine) as connection:
        kept = connection.execute(select(func.count()).select_from(Frame)).scalar_one()
    return sum(len(run.frames) for run in runs) - kept


@pytest.mark.both_databases
def test_erasing_all_sources_leaves_no_row(engine: Engine) -> None:
    chance = random.Random(9)
    runs = write_some(engine, chance)
    set_finished_at(engine, runs[0], NOW - timedelta(days=40))
    apply_retention(engine, MONTH, now=NOW)
    roll_up_all(engine)
    erase(engine, ErasureScope(source="door"), actor="test")
    erase(engine, ErasureScope(source="hall"), actor="test")
    with reading(engine) as connection:
        for table in (*TABLES, Source):
            assert not connection.execute(select(func.count()).select_from(table)).scalar_one()
        assert not connection.execute(select(func.count()).select_from(rollups)).scalar_one()


def test_a_summary_counts_the_erased_frames(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 300, random.Random(1))
    until = BEGIN + timedelta(seconds=20)
    receipt = erase(engine, ErasureScope(run_id=run.run_id, until=until), actor="test")
    summary = in_snapshot(engine, run_summary, run.run_id)
    assert receipt.frames == 100 == summary.coverage.dropped["erased"]
    assert summary.frames_analyzed == 200
    assert summary.coverage.captured == (
        summary.frames_analyzed
        + summary.coverage.sampled_out
        + sum(summary.coverage.dropped.values())
    )


def test_a_run_is_deleted_with_its_last_frame(engine: Engine) -> None:
    write_history_run(engine, "door", at_us(BEGIN), 30, random.Random(1))
    erase(engine, ErasureScope(since=BEGIN, until=BEGIN + timedelta(hours=1)), actor="test")
    assert in_snapshot(engine, list_runs) == ()


def test_an_older_analysis_counts_again_after_the_newer_is_erased(engine: Engine) -> None:
    chance = random.Random(2)
    old = write_history_run(engine, "door", at_us(BEGIN), 90, chance, content="c", model="1")
    new = write_history_run(engine, "door", at_us(BEGIN), 90, chance, content="c", model="2")
    roll_up_all(engine)
    assert stored_sums(engine) == expected_sums([new])
    erase(engine, ErasureScope(run_id=new.run_id), actor="test")
    assert stored_sums(engine) == expected_sums([old])


def test_invalid_scopes_are_rejected(engine: Engine) -> None:
    with pytest.raises(SettingsError, match="everything"):
        erase(engine, ErasureScope(), actor="test")
    with pytest.raises(SettingsError, match="empty"):
        erase(engine, ErasureScope(since=NOW, until=BEGIN), actor="test")
    with pytest.raises(SourceNotFoundError, match="attic"):
        erase(engine, ErasureScope(source="attic"), actor="test")
    with pytest.raises(RunNotFoundError):
        erase(engine, ErasureScope(run_id="none"), actor="test")
