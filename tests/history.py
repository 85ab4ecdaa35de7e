"""Histories that the worker's store writes, and the rollups that they must give."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, select, update

from contracts.analysis_spec import AnalysisOptions
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters, End
from contracts.geometry import Box
from contracts.times import MICROS
from inference_worker.batch import Batch, CounterSample
from inference_worker.store import RunStore
from records.database import reading, transaction
from records.rollups.windows import WIDTHS, window_start
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.tables.rollups import SUMS, rollups
from records.tables.runs import Run

OPTIONS = AnalysisOptions(0.4, None, 24, 640)
LABELS = (*EXPRESSIONS, None)
Windows = dict[tuple[str, int, int], Counter[str]]
"""Sums by (source, width in seconds, start), without zeros."""


@dataclass
class WrittenRun:
    """A run as it was written. minutes: frame counts by the start of their minute."""

    run_id: str
    source: str
    frames: list[FrameResult] = field(default_factory=list)
    minutes: dict[int, Counter[str]] = field(default_factory=dict)


def write_history_run(
    engine: Engine,
    source: str,
    begin_us: int,
    frames: int,
    chance: random.Random,
    *,
    content: str = "",
    model: str = "m",
    step_ms: int = 200,
    batch: int = 50,
) -> WrittenRun:
    """Write a finished recording with random tracks.

    step_ms: time between frames. batch: frames per commit; small batches take most of a test's
    time.
    """
    content = content or f"{chance.random()}"
    job = FileJob(f"/{content}.mp4", content, source, True, None, "haar", model, OPTIONS)
    with transaction(engine) as connection:
        ticket = enqueue_file(connection, job, claimant=None, lease_s=60, again=False)
    store = RunStore(engine, "test")
    taken = store.take(ticket.run_id)
    assert taken is not None
    written = WrittenRun(ticket.run_id, source)
    counters, samples, seq = Counters(), list[CounterSample](), 0
    tracks: dict[int, int] = {}
    for number in range(frames):
        captured_us = begin_us + number * step_ms * 1000
        dropped = chance.random() < 0.1
        counters = Counters(
            counters.captured + 2 + dropped,
            counters.sampled_out + 1,
            {"corrupt": counters.dropped.get("corrupt", 0) + dropped},
        )
        _age(tracks, chance)
        samples.append(CounterSample(captured_us, counters))
        seq += 1
        written.frames.append(_frame(seq, number, captured_us, step_ms, tracks, chance))
        minute = written.minutes.setdefault(window_start(captured_us, 60), Counter())
        minute += Counter(captured=2 + dropped, sampled_out=1, corrupt=int(dropped))
        written.minutes[window_start(captured_us, 60)] = minute
        if len(samples) == batch or number == frames - 1:
            results = written.frames[-len(samples) :]
            store.commit(taken, Batch(seq + 1, results, [], samples, "", b""))
            samples = []
    store.finish(taken, End(ticket.run_id, seq + 1, counters.captured, counters))
    return written


def set_finished_at(engine: Engine, run: WrittenRun, moment: datetime) -> None:
    """Set the time at which the run ended, from which its age counts."""
    with transaction(engine) as connection:
        connection.execute(update(Run).where(Run.run_id == run.run_id).values(finished_at=moment))


def expected_sums(runs: list[WrittenRun], widths: Sequence[int] = WIDTHS) -> Windows:
    """Return the rollups that these runs must give, counted face by face."""
    found: Windows = {}
    for width_s in widths:
        for run in runs:
            _count(found, run, width_s)
    return {key: +sums for key, sums in found.items() if +sums}


def stored_sums(engine: Engine) -> Windows:
    """Return the stored rollups, all parts added."""
    from records.tables.sources import Source

    with reading(engine) as connection:
        rows = connection.execute(
            select(Source.name, rollups).join(Source, Source.id == rollups.c.source_pk)
        ).mappings()
        found: Windows = {}
        for row in rows:
            sums = found.setdefault((row["name"], row["width_s"], row["start"]), Counter())
            sums.update({name: row[name] for name in SUMS})
    return {key: +sums for key, sums in found.items() if +sums}


def _age(tracks: dict[int, int], chance: random.Random) -> None:
    """End and begin tracks at random. tracks: how many frames each still has."""
    for track_id in list(tracks):
        tracks[track_id] -= 1
        if tracks[track_id] <= 0:
            del tracks[track_id]
    if chance.random() < 0.2 and len(tracks) < 3:
        known = max(tracks, default=chance.randrange(1, 5) * 1000)
        tracks[known + 1 + chance.randrange(900)] = chance.randrange(1, 400)


def _frame(  # noqa: PLR0917
    seq: int,
    number: int,
    captured_us: int,
    step_ms: int,
    tracks: dict[int, int],
    chance: random.Random,
) -> FrameResult:
    faces = tuple(_face(track_id, chance) for track_id in sorted(tracks))
    dwell_ms = 0 if number == 0 else min(step_ms, 1000)
    return FrameResult(seq, number, number * step_ms * 1000, captured_us, dwell_ms, faces)


def _face(track_id: int, chance: random.Random) -> FaceResult:
    weights = [chance.random() for _ in EXPRESSIONS]
    shares = tuple(round(one / sum(weights), 4) for one in weights)
    label = chance.choice(LABELS)
    return FaceResult(track_id, Box(1, 2, 30, 30), shares, label, 0.5, label, 0.5, 0.9)


def _count(found: Windows, run: WrittenRun, width_s: int) -> None:
    seen: set[int] = set()
    in_window: dict[tuple[int, int], bool] = {}
    for frame in run.frames:
        start = window_start(frame.captured_at_us, width_s)
        sums = found.setdefault((run.source, width_s, start), Counter())
        sums["frames"] += 1
        sums["analyzed_ms"] += frame.dwell_ms
        sums["occupied_ms"] += frame.dwell_ms if frame.faces else 0
        for face in frame.faces:
            sums["faces"] += 1
            sums[f"{face.smoothed_emotion or UNCERTAIN}_ms"] += frame.dwell_ms
            for label, share in zip(EXPRESSIONS, face.probabilities, strict=True):
                sums[f"p_{label}"] += round(share * 1_000_000) * frame.dwell_ms
            if (start, face.track_id) not in in_window:
                in_window[start, face.track_id] = True
                begun = face.track_id not in seen
                sums["tracks_begun" if begun else "tracks_carried"] += 1
            seen.add(face.track_id)
    for minute, counts in run.minutes.items():
        key = (run.source, width_s, window_start(minute, width_s))
        found.setdefault(key, Counter()).update(counts)


def at_us(moment: datetime) -> int:
    """Return microseconds since 1970."""
    return round(moment.timestamp()) * MICROS
