"""Every way of summing a run gives the time that its frames stand for, at any frame rate."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from analytics.history.rollups import roll_up_all
from analytics.history.timeline import timeline as trend_timeline
from analytics.history.totals import totals
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.removal.retention import RetentionPeriods, apply_retention
from analytics.runs import timeline as timeline_module
from analytics.runs.reports.report import run_report
from analytics.runs.run_summary import run_summary
from analytics.runs.timeline import run_timeline
from analytics.runs.track_timelines import track_timelines
from analytics.snapshots import in_snapshot
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters, End, FrameMessage
from contracts.geometry import Box
from contracts.runs import RunState
from contracts.times import to_micros
from inference_worker.batch import Batch, CounterSample
from inference_worker.faces.dwell import dwell_ms
from inference_worker.store import RunStore
from ingest.files.source import FileSource
from records.database import reading, transaction
from records.rollups.windows import MINUTE_S
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.tables.faces import Frame
from records.tables.rollups import rollups
from records.tables.runs import Run
from records.tables.summary_steps import FRAMES_TRACK_ID, STEP_WIDTHS, SummaryStep
from tests.history import OPTIONS
from tests.media import VideoSpec, write_video

BEGIN = datetime(2026, 5, 4, 9, 58, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def steady(seconds: int, rate: Fraction) -> list[int]:
    return [round(1_000_000 * number / rate) for number in range(int(seconds * rate))]


def with_pause(times_us: Sequence[int], after: int, pause_s: int) -> list[int]:
    return [at if n <= after else at + pause_s * 1_000_000 for n, at in enumerate(times_us)]


def uneven(count: int) -> list[int]:
    chance = random.Random(3)
    gaps = [chance.randrange(10_000, 900_000) for _ in range(count)]
    return [0, *itertools.accumulate(gaps)]


SLOW, NTSC = Fraction(1, 5), Fraction(30_000, 1001)
CASES = {
    "25 fps": (steady(6, Fraction(25)), None, 6_000),
    "29.97 fps": (steady(6, NTSC), None, 5_972),
    "60 fps": (steady(3, Fraction(60)), None, 3_000),
    "29.97 fps at 1": (steady(20, NTSC), 1.0, 19_986),
    "25 fps at 0.5": (steady(20, Fraction(25)), 0.5, 20_000),
    "25 fps at 0.2": (steady(23, Fraction(25)), 0.2, 23_000),
    "10 fps at 0.05": (steady(70, Fraction(10)), 0.05, 70_000),
    "0.2 fps": ([5_000_000 * n for n in range(40)], None, 200_000),
    "0.2 fps with a pause": (
        with_pause([5_000_000 * n for n in range(20)], 9, 600),
        None,
        102_500,
    ),
    "25 fps with a pause at 0.5": (with_pause(steady(8, Fraction(25)), 99, 90), 0.5, 8_960),
    "uneven": (uneven(40), None, None),
    "uneven at 2": (uneven(40), 2.0, None),
}
"""Times of the frames, sampling, and the analysed milliseconds."""


def read(path: Path, fps: float | None) -> list[FrameResult]:
    """Return a result for every sampled frame, with one face in most of them."""
    chance = random.Random(5)
    shares = (0.1,) * 6 + (0.4,)
    face = FaceResult(1, Box(1, 2, 30, 30), shares, "happy", 0.4, "happy", 0.4, 0.9)
    results = []
    with FileSource(path, fps=fps, max_side=128) as source:
        for number, frame in enumerate(source.frames()):
            message = FrameMessage(
                run_id="r",
                seq=number + 1,
                frame_index=frame.frame_index,
                media_time_us=frame.media_time_us,
                captured_at_us=to_micros(BEGIN) + frame.media_time_us,
                width=frame.width,
                height=frame.height,
                display_width=frame.width,
                display_height=frame.height,
                counters=frame.counters,
                luma=frame.luma,
                dwell_us=frame.dwell_us,
            )
            label = chance.choice([*EXPRESSIONS, None])
            results.append(
                FrameResult(
                    message.seq,
                    message.frame_index,
                    message.media_time_us,
                    message.captured_at_us,
                    dwell_ms(message, None),
                    (replace(face, smoothed_emotion=label),) if chance.random() < 0.8 else (),
                    dwells_ahead=True,
                )
            )
    return results


def store(engine: Engine, results: Sequence[FrameResult], duration_us: int) -> str:
    """Store the results as a finished run of a recording; return its id."""
    job = FileJob("/a.mp4", "a", "door", True, None, "haar", "m", OPTIONS)
    with transaction(engine) as connection:
        ticket = enqueue_file(connection, job, claimant=None, lease_s=60, again=False)
        connection.execute(update(Run).values(recorded_at=BEGIN, duration_us=duration_us))
    store = RunStore(engine, "test")
    taken = store.take(ticket.run_id)
    assert taken is not None
    for first in range(0, len(results), 7):
        batch = results[first : first + 7]
        samples = [CounterSample(one.captured_at_us, Counters(one.seq)) for one in batch]
        store.commit(taken, Batch(batch[-1].seq + 1, batch, [], samples, "", b""))
    end = End(ticket.run_id, len(results) + 1, len(results), Counters(len(results)))
    store.finish(taken, end)
    roll_up_all(engine)
    return ticket.run_id


def sums(engine: Engine, run_id: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Return the analysed seconds of the run, and its person-seconds, by each way of summing."""
    found: dict[str, float] = {}
    with reading(engine) as connection:
        found["rows"] = int(connection.scalar(select(func.sum(Frame.dwell_ms)))) / 1000
        for width_s in STEP_WIDTHS:
            steps = select(func.sum(SummaryStep.time_us)).where(SummaryStep.width_s == width_s)
            of_frames = SummaryStep.track_id == FRAMES_TRACK_ID
            found[f"{width_s} s"] = int(connection.scalar(steps.where(of_frames))) / 1e6
            found[f"persons: {width_s} s"] = int(connection.scalar(steps.where(~of_frames))) / 1e6
        for width_s in connection.scalars(select(rollups.c.width_s).distinct()):
            query = select(func.sum(rollups.c.analyzed_ms)).where(rollups.c.width_s == width_s)
            found[f"rolled up {width_s} s"] = int(connection.scalar(query)) / 1000
    summary = in_snapshot(engine, run_summary, run_id)
    report = in_snapshot(engine, run_report, run_id)
    found["summary"] = summary.coverage.analyzed_s
    found["persons: summary"] = sum(summary.emotions.values())
    found["persons: report"] = sum(sum(one.emotions.values()) for one in report.tracks)
    for name, most in (("short", 10**9), ("long", 0)):
        with monkeypatch.context() as patch:
            patch.setattr(timeline_module, "MAX_ROWS", most)
            buckets = in_snapshot(engine, run_timeline, run_id, 17)
        found[f"{name} timeline"] = sum(one.analyzed_s for one in buckets)
        found[f"persons: {name} timeline"] = sum(sum(b.emotions.values()) for b in buckets)
        assert all(one.analyzed_s <= one.end_s - one.start_s + 0.001 for one in buckets[:-1])
    since, until = BEGIN - timedelta(hours=1), BEGIN + timedelta(hours=2)
    (total,) = in_snapshot(engine, totals, since, until)
    found["totals"], found["persons: totals"] = total.now.analyzed_s, total.now.total_s
    trend = in_snapshot(engine, trend_timeline, since, until, zone=UTC)
    found["trend"] = sum(one.measures.analyzed_s for line in trend.series.values() for one in line)
    return found


@pytest.mark.parametrize("case", list(CASES))
def test_every_sum_is_the_analysed_time(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    times_us, fps, analyzed_ms = CASES[case]
    names = {"0.2 fps": SLOW, "29.97 fps": NTSC, "60 fps": Fraction(60), "10 fps": Fraction(10)}
    rate = next((one for name, one in names.items() if case.startswith(name)), Fraction(25))
    spec = VideoSpec(rate=rate, time_base=Fraction(1, 1000) if rate == SLOW else Fraction(1, 90000))
    write_video(tmp_path / "a.mp4", times_us, spec)
    results = read(tmp_path / "a.mp4", fps)
    duration_us = results[-1].media_time_us + results[-1].dwell_ms * 1000
    run_id = store(engine, results, duration_us)
    found = sums(engine, run_id, monkeypatch)

    expected_s = found["rows"] if analyzed_ms is None else analyzed_ms / 1000
    person_s = sum(one.dwell_ms for one in results if one.faces) / 1000
    for name, seconds in found.items():
        wanted_s = person_s if name.startswith("persons") else expected_s
        assert seconds == pytest.approx(wanted_s, abs=0.0015), name
    if analyzed_ms is None:
        assert expected_s == pytest.approx(times_us[-1] / 1e6, abs=1.0)
    spans = in_snapshot(engine, track_timelines, run_id).timelines
    assert all(
        one.end_s <= other.begin_s + 1e-6
        for track in spans
        for one, other in itertools.pairwise(track.parts)
    )


@pytest.mark.both_databases
def test_sums_of_slow_frames_survive_erasure_retention_and_rebuilding(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given dwells of twenty seconds, then what is removed is subtracted, and the rest is kept."""
    times_us, fps, _ = CASES["10 fps at 0.05"]
    write_video(tmp_path / "a.mp4", times_us, VideoSpec(rate=10))
    run_id = store(engine, read(tmp_path / "a.mp4", fps), 70_000_000)
    since = BEGIN + timedelta(seconds=15)
    erase(
        engine,
        ErasureScope(run_id=run_id, since=since, until=since + timedelta(seconds=10)),
        actor="test",
    )
    roll_up_all(engine)
    found = sums(engine, run_id, monkeypatch)
    analyzed = {name: s for name, s in found.items() if not name.startswith("persons")}
    assert set(analyzed.values()) == {50.0}, analyzed

    with transaction(engine) as connection:
        connection.execute(
            update(Run).values(state=RunState.DONE, finished_at=NOW - timedelta(days=200))
        )
    periods = RetentionPeriods(timedelta(days=30), timedelta(days=90), None, None)
    apply_retention(engine, periods, now=NOW)
    assert in_snapshot(engine, run_summary, run_id).coverage.analyzed_s == 50
    with reading(engine) as connection:
        query = select(func.sum(rollups.c.analyzed_ms)).where(rollups.c.width_s == MINUTE_S)
        assert connection.scalar(query) == 50_000
        assert connection.scalar(select(func.count()).select_from(SummaryStep)) == 0
