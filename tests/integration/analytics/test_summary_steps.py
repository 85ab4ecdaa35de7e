"""Given any changes of a run's rows, its summary steps equal their sums, and show long runs."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, update

from analytics.removal.deletion import delete_run
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.removal.retention import RetentionPeriods, apply_retention
from analytics.runs import timeline as timeline_module
from analytics.runs import track_timelines as track_timelines_module
from analytics.runs.reports.report import run_report
from analytics.runs.run_summary import run_summary
from analytics.runs.summary_steps import steps_of_rows
from analytics.runs.timeline import run_timeline
from analytics.runs.track_timelines import LabelSpan, TrackTimeline, track_timelines
from analytics.snapshots import in_snapshot
from contracts.frame_results import FrameResult
from inference_worker.batch import Batch
from inference_worker.store import RunStore
from records.database import reading, transaction
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.runs.summary_steps import StepSums
from records.tables.runs import Run, RunProgress
from records.tables.summary_steps import STEP_WIDTHS, SummaryStep
from tests.history import (
    OPTIONS,
    WrittenRun,
    at_us,
    set_finished_at,
    write_history_run,
)

BEGIN = datetime(2026, 5, 4, 9, 58, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
PERIODS = RetentionPeriods(timedelta(days=30), timedelta(days=90), None, None)


def stored_steps(engine: Engine, run_id: str) -> StepSums:
    """Return the steps that are stored."""
    with reading(engine) as connection:
        rows = connection.execute(
            select(SummaryStep).join(Run, Run.id == SummaryStep.run_pk).where(Run.run_id == run_id)
        )
        return {
            (row.width_s, row.step, row.track_id, row.label): (row.seen, row.time_us)
            for row in rows
        }


def steps_of_stored_rows(engine: Engine, run_id: str) -> StepSums:
    """Return the steps of the rows that are stored."""
    with reading(engine) as connection:
        pk = connection.execute(select(Run.id).where(Run.run_id == run_id)).scalar_one()
        return steps_of_rows(connection, pk, None, faces_only=False)


def forget_steps(engine: Engine) -> None:
    """Make every later question read the rows."""
    with transaction(engine) as connection:
        connection.execute(update(RunProgress).values(stepped=False))


@pytest.fixture
def all_runs_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every run as a long one."""
    for module in (track_timelines_module, timeline_module):
        monkeypatch.setattr(module, "MAX_ROWS", 0)


@pytest.mark.parametrize(
    "step_ms", [33, pytest.param(200, marks=pytest.mark.both_databases), 999, 1700]
)
def test_each_commit_adds_to_the_steps(engine: Engine, step_ms: int) -> None:
    run = write_history_run(
        engine, "door", at_us(BEGIN), 200, random.Random(step_ms), step_ms=step_ms, batch=7
    )
    found = stored_steps(engine, run.run_id)
    assert found == steps_of_stored_rows(engine, run.run_id)
    for width_s in STEP_WIDTHS:
        assert sum(seen for key, (seen, _) in found.items() if key[0] == width_s) == sum(
            1 + len(frame.faces) for frame in run.frames
        )


@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.both_databases), 1])
def test_erased_rows_are_subtracted_from_the_steps(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    run, other = (
        write_history_run(engine, name, at_us(BEGIN), 600, chance, batch=60)
        for name in ("door", "hall")
    )
    untouched = stored_steps(engine, other.run_id)
    for _ in range(3):
        since = BEGIN + timedelta(seconds=chance.randrange(110))
        until = since + timedelta(seconds=chance.randrange(1, 40))
        erase(engine, ErasureScope(run_id=run.run_id, since=since, until=until), actor="test")
        assert stored_steps(engine, run.run_id) == steps_of_stored_rows(engine, run.run_id)
    assert stored_steps(engine, other.run_id) == untouched


@pytest.mark.both_databases
def test_rows_removed_by_retention_are_subtracted_from_the_steps(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 600, random.Random(5), batch=60)
    set_finished_at(engine, run, NOW - timedelta(days=40))
    before = in_snapshot(engine, run_summary, run.run_id)
    apply_retention(engine, PERIODS, now=NOW)
    left = stored_steps(engine, run.run_id)
    assert left and left == steps_of_stored_rows(engine, run.run_id)
    assert in_snapshot(engine, run_summary, run.run_id) == before
    apply_retention(engine, PERIODS, now=NOW + timedelta(days=100))
    assert stored_steps(engine, run.run_id) == {}
    assert in_snapshot(engine, run_summary, run.run_id) == before


def test_a_deleted_run_leaves_no_step(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 50, random.Random(6))
    delete_run(engine, run.run_id)
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(SummaryStep)).scalar() == 0


@pytest.mark.usefixtures("all_runs_are_long")
@pytest.mark.parametrize("frames", [1, pytest.param(40, marks=pytest.mark.both_databases), 900])
def test_a_long_run_shows_the_sums_of_its_rows(engine: Engine, frames: int) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), frames, random.Random(frames), batch=60)
    summary, report = (
        in_snapshot(engine, run_summary, run.run_id),
        in_snapshot(engine, run_report, run.run_id),
    )
    timelines = {most: in_snapshot(engine, run_timeline, run.run_id, most) for most in (7, 60, 120)}
    forget_steps(engine)
    assert in_snapshot(engine, run_summary, run.run_id) == summary
    assert in_snapshot(engine, run_report, run.run_id).tracks == report.tracks
    for most, found in timelines.items():
        assert 1 <= len(found) <= most
        width_us = round(found[0].end_s * 1_000_000) if len(found) > 1 else 10**9
        tallies = [timeline_module._Tally() for _ in found]
        with reading(engine) as connection:
            pk = connection.execute(select(Run.id)).scalar_one()
            timeline_module._add_frames(connection, pk, width_us, tallies)
            timeline_module._add_faces(connection, pk, width_us, tallies)
        assert [
            (one.frames, round(one.analyzed_s * 1e6), round(one.empty_s * 1e6), one.faces)
            for one in found
        ] == [(one.frames, one.analyzed_us, one.empty_us, one.faces) for one in tallies]
        assert [dict(one.emotions) for one in found] == [
            {label: us / 1_000_000 for label, us in one.emotions_us.items()} for one in tallies
        ]


@pytest.mark.usefixtures("all_runs_are_long")
def test_no_row_of_a_long_run_is_read(engine: Engine) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 200, random.Random(8))
    statements: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    in_snapshot(engine, run_report, run.run_id)
    in_snapshot(engine, track_timelines, run.run_id)
    assert statements
    for statement in statements:
        assert "frames" not in _tables(statement), statement
        # Whether a track's first face is stored takes one look-up for each track.
        assert "faces" not in _tables(statement) or "EXISTS" in statement, statement


def _tables(statement: str) -> set[str]:
    words = statement.replace(",", " ").split()
    named = {word for before, word in pairwise(words) if before in _BEFORE}
    return {word.strip('"()') for word in named}


_BEFORE = {"FROM", "JOIN"}


@pytest.mark.usefixtures("all_runs_are_long")
def test_track_timelines_of_a_long_run_have_the_longest_label_of_each_bucket(
    engine: Engine,
) -> None:
    happy = _run_with_labels(engine, [("happy", 200), ("sad", 20), ("happy", 230), (None, 50)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(track_timelines_module, "MAX_BUCKETS", 10)
        found = in_snapshot(engine, track_timelines, happy.run_id)
    assert found.step_s == 5
    assert found.timelines == (
        TrackTimeline(1, (LabelSpan(0, 45, "happy"), LabelSpan(45, 49.9, "uncertain"))),
    )
    assert [(one.begin_s, one.end_s, one.label) for one in found.moments] == [(0, 45, "happy")]
    assert found.left_out == 0
    fine = in_snapshot(engine, track_timelines, happy.run_id)
    assert fine.step_s == 1
    assert [one.label for one in fine.timelines[0].parts] == ["happy", "sad", "happy", "uncertain"]


def test_track_timelines_of_a_short_run_are_exact_to_the_frame(engine: Engine) -> None:
    run = _run_with_labels(engine, [("happy", 13), ("sad", 9)])
    found = in_snapshot(engine, track_timelines, run.run_id)
    assert found.step_s == 0
    assert found.timelines == (
        TrackTimeline(1, (LabelSpan(0, 1.2, "happy"), LabelSpan(1.2, 2.1, "sad"))),
    )


def test_a_run_begun_before_summary_steps_existed_is_read_from_its_rows(engine: Engine) -> None:
    job = FileJob("/old.mp4", "old", "door", True, None, "haar", "m", OPTIONS)
    with transaction(engine) as connection:
        ticket = enqueue_file(connection, job, claimant=None, lease_s=60, again=False)
        connection.execute(
            update(RunProgress).values(next_seq=2)
        )  # An earlier version committed frame 1.
    store = RunStore(engine, "test")
    taken = store.take(ticket.run_id)
    assert taken is not None
    store.commit(taken, Batch(3, [FrameResult(2, 1, 40_000, 40_000, 40)], [], [], "", b""))
    assert stored_steps(engine, ticket.run_id) == {}
    assert in_snapshot(engine, run_summary, ticket.run_id).coverage.analyzed_s == 0.04


def _run_with_labels(engine: Engine, labels: list[tuple[str | None, int]]) -> WrittenRun:
    """Write a run at 10 fps with one face that has each label for a number of frames."""
    job = FileJob("/shown.mp4", "shown", "door", True, None, "haar", "m", OPTIONS)
    with transaction(engine) as connection:
        ticket = enqueue_file(connection, job, claimant=None, lease_s=60, again=False)
    store = RunStore(engine, "test")
    taken = store.take(ticket.run_id)
    assert taken is not None
    shown = [label for label, frames in labels for _ in range(frames)]
    face = _one_face()
    results = [
        FrameResult(
            n + 1,
            n,
            n * 100_000,
            at_us(BEGIN) + n * 100_000,
            100 if n else 0,
            (replace(face, smoothed_emotion=label),),
        )
        for n, label in enumerate(shown)
    ]
    store.commit(taken, Batch(len(results) + 1, results, [], [], "", b""))
    return WrittenRun(ticket.run_id, "door", results)


def _one_face() -> Any:
    from contracts.frame_results import FaceResult
    from contracts.geometry import Box

    return FaceResult(1, Box(1, 2, 30, 30), (0.1,) * 6 + (0.4,), "happy", 0.4, "happy", 0.4, 0.9)
