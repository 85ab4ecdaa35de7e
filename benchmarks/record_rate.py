"""Face records per second into SQL, while rollups run and redelivered frames are skipped.

Two processes write as workers do, as fast as they can: batches of 16 frames with two faces each,
one transaction per batch. Every 50th batch is first committed with a stale fence, as by a frozen
worker. Another 50th is delivered a second time, as after a crash between commit and ack; the worker
takes the run again and skips frames before `next_seq`. Rollups run all the time.
"""

import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from sqlalchemy import Engine, func, select

from analytics.history.rollups import roll_up, roll_up_all
from benchmarks.results import Verdict, write_result
from contracts.analysis_spec import AnalysisOptions
from contracts.errors import FenceLostError
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters
from contracts.geometry import Box
from contracts.times import utc_now
from inference_worker.batch import Batch, CounterSample
from inference_worker.store import RunStore
from records.database import open_engine, reading, transaction
from records.rollups.windows import MINUTE_S
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.schema import upgrade
from records.tables.faces import Face
from records.tables.rollups import rollups
from tests.postgresql import private_postgresql

WRITERS: Final = 2
SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "60"))
LEAST: Final = {"postgresql": 5000, "sqlite": 3000}
_BATCH: Final = 16
_STALE_EVERY: Final = 50
_FACE: Final = FaceResult(1, Box(1, 2, 30, 30), (0.1,) * 6 + (0.4,), "neutral", 0.4, None, 0.4, 0.9)


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Measure SQLite, then PostgreSQL; both are private to this run."""
    verdicts, measured = [], {}
    with tempfile.TemporaryDirectory() as folder, private_postgresql() as server:
        for name, url in (("sqlite", f"sqlite:///{folder}/rate.db"), ("postgresql", server.url)):
            found = _measure(url)
            measured[name] = found
            console.print(name, found, highlight=False)
            verdicts.append(
                Verdict(
                    f"{name}: {found['records_s']:,.0f} face records per second over "
                    f"{SECONDS:.0f} s (target: at least {LEAST[name]:,}), "
                    f"{found['stale']:,.0f} stale batches rejected, "
                    f"{found['redelivered']:,.0f} redelivered batches skipped, "
                    f"{found['folds']:,.0f} rollups",
                    found["records_s"] >= LEAST[name] and bool(found["exact"]),
                )
            )
    write_result("record-rate", {"seconds": SECONDS, "writers": WRITERS} | measured, verdicts)
    return verdicts


def _measure(url: str) -> dict[str, float]:
    engine = open_engine(url)
    upgrade(engine)
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[tuple[int, int, int]] = context.Queue()
    begin_at = time.time() + 5
    writers = [
        context.Process(target=_write, args=(url, number, begin_at, results))
        for number in range(WRITERS)
    ]
    for one in writers:
        one.start()
    folds = 0
    while any(one.is_alive() for one in writers):
        folds += bool(roll_up(engine))
        time.sleep(1)
    counts = [results.get() for _ in writers]
    roll_up_all(engine)
    written = sum(faces for faces, _, _ in counts)
    exact = written == _rows(engine) == _rolled_up(engine)
    engine.dispose()
    return {
        "records_s": round(written / SECONDS, 1),
        "stale": sum(stale for _, stale, _ in counts),
        "redelivered": sum(redelivered for _, _, redelivered in counts),
        "folds": folds,
        "exact": exact,
    }


def _write(
    url: str, number: int, begin_at: float, results: "multiprocessing.Queue[tuple[int, int, int]]"
) -> None:
    engine = open_engine(url)
    options = AnalysisOptions(0.4, None, 24, 640)
    job = FileJob(f"/{number}", f"{number}", f"s{number}", True, None, "haar", "m", options)
    with transaction(engine) as connection:
        ticket = enqueue_file(connection, job, claimant=None, lease_s=60, again=False)
    store = RunStore(engine, f"writer {number}")
    taken = store.take(ticket.run_id)
    assert taken is not None
    first_us = round(utc_now().timestamp() * 1e6)
    seq = faces = stale = redelivered = batches = 0
    time.sleep(max(begin_at - time.time(), 0))
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        batch = _batch(seq, first_us)
        batches += 1
        if batches % _STALE_EVERY == 0:
            before, taken = taken, store.take(ticket.run_id)
            assert taken is not None
            try:
                store.commit(before, batch)
            except FenceLostError:
                stale += 1
        store.commit(taken, batch)
        if batches % _STALE_EVERY == _STALE_EVERY // 2:
            again = store.take(ticket.run_id)
            assert again is not None
            assert all(one.seq < again.next_seq for one in batch.results)
            taken, redelivered = again, redelivered + 1
        seq += _BATCH
        faces += 2 * _BATCH
    results.put((faces, stale, redelivered))
    engine.dispose()


def _batch(seq: int, first_us: int) -> Batch:
    numbers = range(seq + 1, seq + 1 + _BATCH)
    samples = [CounterSample(first_us + n * 20_000, Counters(captured=n)) for n in numbers]
    other = FaceResult(2, *(getattr(_FACE, name) for name in _OTHERS))
    results = [
        FrameResult(n, n, n * 20_000, first_us + n * 20_000, 20, (_FACE, other)) for n in numbers
    ]
    return Batch(numbers[-1] + 1, results, [], samples, "", b"checkpoint" * 100)


_OTHERS: Final = (
    *("box", "probabilities", "emotion", "confidence"),
    *("smoothed_emotion", "smoothed_confidence", "quality"),
)


def _rows(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(Face)).scalar_one())


def _rolled_up(engine: Engine) -> int:
    with reading(engine) as connection:
        query = select(func.sum(rollups.c.faces)).where(rollups.c.width_s == MINUTE_S)
        return int(connection.execute(query).scalar_one())
