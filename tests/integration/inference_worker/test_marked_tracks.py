"""A run's sums leave out marked tracks wholly, wherever its worker is replaced."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, func, select, update

from analytics.history.rollups import mark_all_dirty, roll_up_all
from analytics.history.totals import totals
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.removal.retention import RetentionPeriods, apply_retention
from analytics.runs.reports.report import run_report
from analytics.runs.reports.report_json import report_json
from analytics.runs.reports.report_text import headline
from analytics.runs.run_summary import RunSummary, run_summary
from analytics.runs.summary_steps import steps_of_rows
from analytics.runs.track_timelines import track_timelines
from analytics.snapshots import in_snapshot
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FrameResult, TrackMark
from contracts.frames import Counters, End
from contracts.geometry import Box
from contracts.times import from_micros, to_micros
from inference_worker.batch import Batch, CounterSample
from inference_worker.store import RunStore
from records.database import reading, transaction
from records.rollups.windows import DAY_S
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.runs.summary_steps import StepSums
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import SUMS, rollups
from records.tables.runs import Run, RunProgress
from records.tables.summary_steps import SummaryStep
from tests.history import OPTIONS

pytestmark = pytest.mark.both_databases

BEGIN_US = to_micros(datetime(2026, 5, 4, 9, 58, 30, tzinfo=UTC))
STEP_MS = 500
STATIC_FROM, ALIVE_FROM, FRAMES = 240, 300, 330
"""A picture is track 1: static from frame 240, which is the third minute, and alive from 300 on."""
PERSON, TENTATIVE, STATIC = TrackMark.PERSON, TrackMark.TENTATIVE, TrackMark.STATIC


def face(track_id: int, mark: TrackMark, label: str = "neutral") -> FaceResult:
    shares = tuple(0.7 if name == label else 0.05 for name in EXPRESSIONS)
    return FaceResult(track_id, Box(1, 2, 30, 30), shares, label, 0.7, label, 0.7, 0.9, mark)


def story() -> list[FrameResult]:
    """Return a run with a picture, a glimpse, and a person who is tentative for one frame."""
    results = []
    for n in range(FRAMES):
        marks: dict[int, TrackMark] = {}
        faces = []
        if n < ALIVE_FROM:
            faces.append(face(1, STATIC if n >= STATIC_FROM else PERSON))
        if n == STATIC_FROM:
            marks[1] = STATIC
        if n in {0, 50}:
            mark = TENTATIVE if n else PERSON
            faces.append(face(2 if n else 9, mark, "fear"))
            marks |= {2: TENTATIVE} if n else {}
        if n == 1:
            marks[9] = TENTATIVE  # Seen in the first frame, before the pace was known.
        if 100 <= n < 160:
            faces.append(face(3, TENTATIVE if n == 100 else PERSON, "happy"))
            marks |= {100: {3: TENTATIVE}, 101: {3: PERSON}}.get(n, {})
        if n >= ALIVE_FROM:
            faces.append(face(4, PERSON, "sad"))
        faces.sort(key=lambda one: one.track_id)
        at_us = n * STEP_MS * 1000
        results.append(
            FrameResult(n + 1, n, at_us, BEGIN_US + at_us, STEP_MS, tuple(faces), n % 2 == 0, marks)
        )
    return results


def write(engine: Engine, results: Sequence[FrameResult], cuts: Sequence[int]) -> str:
    """Write the run as workers do that are replaced at each cut; return its id."""
    job = FileJob("/a.mp4", f"{len(cuts)} cuts", "door", True, None, "haar", "m", OPTIONS)
    with transaction(engine) as connection:
        run_id = enqueue_file(connection, job, claimant=None, lease_s=60, again=False).run_id
    for first, last in pairwise([0, *cuts, len(results)]):
        store = RunStore(engine, f"worker-{first}")
        taken = store.take(run_id)
        assert taken is not None
        part = list(results[first:last])
        samples = [CounterSample(r.captured_at_us, Counters(captured=r.seq)) for r in part]
        store.commit(taken, Batch(last + 1, part, [], samples, "", b""))
        # Between any two commits, a page may ask for rollups.
        roll_up_all(engine)
    assert taken is not None
    end = Counters(captured=len(results))
    store.finish(taken, End(run_id, len(results) + 1, len(results), end))
    roll_up_all(engine)
    return run_id


def steps(engine: Engine, run_id: str) -> tuple[StepSums, StepSums]:
    """Return the stored steps, and those of the stored rows."""
    with reading(engine) as connection:
        run_pk = connection.execute(select(Run.id).where(Run.run_id == run_id)).scalar_one()
        stored = connection.execute(select(SummaryStep).where(SummaryStep.run_pk == run_pk))
        return {
            (row.width_s, row.step, row.track_id, row.label): (row.seen, row.time_us)
            for row in stored
        }, steps_of_rows(connection, run_pk, None, faces_only=False)


def day_sums(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        row = connection.execute(
            select(*(func.sum(rollups.c[name]).label(name) for name in SUMS)).where(
                rollups.c.width_s == DAY_S
            )
        ).mappings()
        return {name: int(value or 0) for name, value in row.one().items()}


def summary_of(engine: Engine, run_id: str) -> RunSummary:
    return in_snapshot(engine, run_summary, run_id)


CUTS = {
    "one batch": (),
    "often": tuple(range(1, FRAMES, 7)),
    "at each change": (1, 2, 50, 51, 100, 101, 240, 241, 300),
}


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS)
def test_sums_leave_out_whole_tracks_however_the_run_is_cut(
    engine: Engine, cuts: Sequence[int]
) -> None:
    run_id = write(engine, story(), cuts)
    summary = summary_of(engine, run_id)
    assert {k: v for k, v in summary.emotions.items() if v} == {"happy": 30.0, "sad": 15.0}
    assert (summary.faces, summary.tracks) == (90, 2)
    assert summary.coverage.analyzed_s == FRAMES * STEP_MS / 1000
    assert summary.left_out.static_tracks == 1
    assert summary.left_out.static_faces == ALIVE_FROM
    assert summary.left_out.tentative == 2
    stored, of_rows = steps(engine, run_id)
    assert stored == of_rows
    sums = day_sums(engine)
    assert (sums["happy_ms"], sums["sad_ms"], sums["neutral_ms"]) == (30_000, 15_000, 0)
    assert (sums["faces"], sums["tracks_begun"], sums["frames"]) == (90, 2, FRAMES)
    assert sums["occupied_ms"] == 45_000
    assert sums["static_ms"] == ALIVE_FROM * STEP_MS
    assert (sums["tentative_ms"], sums["tentative_tracks"]) == (2 * STEP_MS, 2)
    mark_all_dirty(engine, 7)
    roll_up_all(engine)
    assert day_sums(engine) == sums, "a rebuild gives the sums that are stored"


def test_rows_of_marked_tracks_are_stored(engine: Engine) -> None:
    write(engine, story(), CUTS["at each change"])
    with reading(engine) as connection:
        found = connection.execute(select(Track.track_id, Track.mark))
        marks = {row.track_id: row.mark for row in found}
        rows = connection.execute(select(func.count()).select_from(Face)).scalar_one()
        left_out = connection.execute(select(func.sum(Frame.left_out))).scalar_one()
        progress = connection.execute(select(RunProgress.faces, RunProgress.left_out)).one()
    assert marks == {1: STATIC, 2: TENTATIVE, 3: PERSON, 4: PERSON, 9: TENTATIVE}
    assert (rows, left_out) == (ALIVE_FROM + 2 + 60 + 30, ALIVE_FROM + 2)
    assert tuple(progress) == (rows, left_out)


def test_a_picture_counts_until_it_is_known_and_not_at_all_afterwards(engine: Engine) -> None:
    before = write(engine, story()[:STATIC_FROM], ())
    assert summary_of(engine, before).emotions["neutral"] == STATIC_FROM * STEP_MS / 1000


def test_reports_say_what_is_left_out(engine: Engine) -> None:
    run_id = write(engine, story(), CUTS["at each change"])
    report = in_snapshot(engine, run_report, run_id)
    assert headline(report).endswith(
        "Left out: 300 still faces in 1 track (a picture, or somebody who does not move), "
        "2 faces seen in one frame only."
    )
    document = json.loads(report_json(report))
    assert document["summary"]["left_out"] == {
        "static_tracks": 1,
        "static_faces": 300,
        "tentative": 2,
    }
    assert [(one["track_id"], one["mark"]) for one in document["tracks"]] == [
        (1, "static"),
        (3, ""),
        (4, ""),
    ]
    assert document["tracks_left_out"] == 0
    lanes = in_snapshot(engine, track_timelines, run_id).timelines
    assert [lane.track for lane in lanes] == [3, 4]


def test_trends_leave_out_marked_tracks(engine: Engine) -> None:
    write(engine, story(), CUTS["at each change"])
    since, until = (from_micros(BEGIN_US + off * 3_600_000_000) for off in (-1, 1))
    with reading(engine) as connection:
        found = totals(connection, since, until)
    (line,) = found
    assert line.now.total_s == 45.0
    assert (line.now.static_s, line.now.tentative_s, line.now.tentative_tracks) == (150.0, 1.0, 2)


def test_trends_say_what_they_left_out_after_its_rows_are_removed(engine: Engine) -> None:
    run_id = write(engine, story(), CUTS["at each change"])
    before = day_sums(engine)
    with transaction(engine) as connection:
        ended = datetime(2020, 1, 1, tzinfo=UTC)
        connection.execute(update(Run).where(Run.run_id == run_id).values(finished_at=ended))
    day = timedelta(days=1)
    for periods in (
        RetentionPeriods(day, None, None, None),
        RetentionPeriods(day, day, None, None),
    ):
        apply_retention(engine, periods)
        roll_up_all(engine)
        assert day_sums(engine) == before


def test_erasing_a_part_keeps_the_count_of_what_is_left_out(engine: Engine) -> None:
    run_id = write(engine, story(), CUTS["at each change"])
    scope = ErasureScope(source="door", since=from_micros(BEGIN_US + 60_000_000))
    erase(engine, scope, actor="test")
    summary = summary_of(engine, run_id)
    assert summary.left_out.static_faces == 120
    assert summary.faces == 20
    stored, of_rows = steps(engine, run_id)
    assert stored == of_rows
