"""Final labels of stored faces: rows, summary steps and rollups follow, however a run is cut."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import pytest
from sqlalchemy import Engine, delete, func, select

from analytics.history.rollups import roll_up_all
from analytics.runs.run_summary import run_summary
from analytics.runs.summary_steps import steps_of_rows
from analytics.snapshots import in_snapshot
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FrameResult, LabelRevision, TrackMark
from contracts.frames import Counters, End
from contracts.geometry import Box
from contracts.times import to_micros
from inference_worker.batch import Batch, CounterSample
from inference_worker.store import RunStore, TakenRun
from records.database import reading, transaction
from records.rollups.windows import DAY_S
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.tables.faces import Face
from records.tables.rollups import rollups
from records.tables.runs import Run
from records.tables.summary_steps import SummaryStep
from tests.history import OPTIONS

BEGIN_US: Final = to_micros(datetime(2026, 5, 4, 9, 59, 50, tzinfo=UTC))
"""Ten seconds before a minute: labels of the minute before change in the one after."""
STEP_MS: Final = 500
FRAMES: Final = 60
DELAY: Final = 5
STATIC_AT: Final = 40


def face(track_id: int, label: str | None, mark: TrackMark = TrackMark.PERSON) -> FaceResult:
    shares = tuple(0.7 if name == label else 0.05 for name in EXPRESSIONS)
    return FaceResult(track_id, Box(1, 2, 30, 30), shares, label, 0.7, label, 0.7, 0.9, mark)


def story() -> list[FrameResult]:
    """Return a run of two tracks. Both become happy five frames later; 2 is a picture at last."""
    results = []
    for n in range(FRAMES):
        static = TrackMark.STATIC if n >= STATIC_AT else TrackMark.PERSON
        faces = (face(1, "sad" if n % 2 else None), face(2, "neutral", static))
        marks = {2: TrackMark.STATIC} if n == STATIC_AT else {}
        revised = n - DELAY
        revisions = tuple(final(revised)) if revised >= 0 else ()
        at_us = n * STEP_MS * 1000
        results.append(
            FrameResult(
                n + 1, n, at_us, BEGIN_US + at_us, STEP_MS, faces, n % 3 == 0, marks, revisions
            )
        )
    return results


def final(n: int) -> list[LabelRevision]:
    """The labels of frame n: happy, but uncertain in every fifth frame."""
    label = None if n % 5 == 0 else "happy"
    return [LabelRevision(n, 1, label, 0.8), LabelRevision(n, 2, "happy", 0.8)]


def begin(engine: Engine, name: str) -> tuple[RunStore, TakenRun]:
    job = FileJob(f"/{name}.mp4", name, "door", True, None, "haar", "m", OPTIONS)
    with transaction(engine) as connection:
        run_id = enqueue_file(connection, job, claimant=None, lease_s=60, again=False).run_id
    store = RunStore(engine, "worker")
    taken = store.take(run_id)
    assert taken is not None
    return store, taken


def commit(store: RunStore, taken: TakenRun, part: Sequence[FrameResult]) -> None:
    samples = [CounterSample(r.captured_at_us, Counters(captured=r.seq)) for r in part]
    store.commit(taken, Batch(part[-1].seq + 1, list(part), [], samples, "", b""))


def end(store: RunStore, taken: TakenRun) -> None:
    last = [one for n in range(FRAMES - DELAY, FRAMES) for one in final(n)]
    counters = Counters(captured=FRAMES)
    store.finish(taken, End(taken.run_id, FRAMES + 1, FRAMES, counters), revisions=last)


def check_sums(engine: Engine, taken: TakenRun) -> None:
    """Assert that the stored steps are those of the rows."""
    with reading(engine) as connection:
        run_pk = connection.execute(select(Run.id).where(Run.run_id == taken.run_id)).scalar_one()
        rows = connection.execute(select(SummaryStep).where(SummaryStep.run_pk == run_pk))
        stored = {
            (row.width_s, row.step, row.track_id, row.label): (row.seen, row.time_us)
            for row in rows
        }
        assert stored == steps_of_rows(connection, run_pk, None, faces_only=False)


def day_ms(engine: Engine, label: str) -> int:
    with reading(engine) as connection:
        query = select(func.sum(rollups.c[f"{label}_ms"])).where(rollups.c.width_s == DAY_S)
        return int(connection.execute(query).scalar() or 0)


@pytest.mark.parametrize(
    "every", [1, pytest.param(4, marks=pytest.mark.both_databases), 23, FRAMES]
)
def test_sums_follow_the_final_labels(engine: Engine, every: int) -> None:
    store, taken = begin(engine, f"a{every}")
    results = story()
    for first, last in pairwise([*range(0, FRAMES, every), FRAMES]):
        commit(store, taken, results[first:last])
        roll_up_all(engine)
        check_sums(engine, taken)
    end(store, taken)
    roll_up_all(engine)
    check_sums(engine, taken)

    seconds = in_snapshot(engine, run_summary, taken.run_id).emotions
    happy_s, uncertain_s = 48 * STEP_MS / 1000, 12 * STEP_MS / 1000
    assert {k: v for k, v in seconds.items() if v} == {"happy": happy_s, "uncertain": uncertain_s}
    assert day_ms(engine, "happy") == round(happy_s * 1000)
    assert day_ms(engine, "sad") == day_ms(engine, "neutral") == 0
    with reading(engine) as connection:
        rows = connection.execute(select(Face).order_by(Face.frame_index, Face.track_id)).all()
    assert [row.smoothed_emotion for row in rows if row.track_id == 1] == [
        final(n)[0].smoothed_emotion for n in range(FRAMES)
    ]
    assert {round(row.smoothed_confidence, 3) for row in rows} == {0.8}
    assert {row.emotion for row in rows if row.track_id == 1} == {"sad", None}, "as it was read"


@pytest.mark.both_databases
def test_rows_that_were_removed_meanwhile_stay_removed(engine: Engine) -> None:
    store, taken = begin(engine, "removed")
    results = story()
    commit(store, taken, results[:20])
    with transaction(engine) as connection:
        gone = Face.frame_index.between(16, 19)
        connection.execute(delete(Face).where(Face.run_pk == taken.run_pk, gone))
    before = in_snapshot(engine, run_summary, taken.run_id).emotions
    # Only the frames 15 to 19 get final labels here, and four of them have no faces any more.
    commit(store, taken, [replace(one, faces=()) for one in results[20:25]])
    after = in_snapshot(engine, run_summary, taken.run_id).emotions
    assert sum(after.values()) == sum(before.values())
    with reading(engine) as connection:
        count = select(func.count()).select_from(Face).where(Face.frame_index.between(16, 19))
        assert connection.execute(count).scalar_one() == 0
