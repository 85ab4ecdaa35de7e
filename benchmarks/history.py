"""The read API over a year of ten cameras' rollups and 0.5, 2 and 5 million raw face rows.

And over a recording of ten hours at 25 frames a second with two people.

On SQLite and on PostgreSQL, both private to this run. Each question is asked many times over; the
95th percentile counts. The curve shows that what is stored does not matter, only what is shown.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from analytics.lanes import run_lanes
from analytics.moments import moments
from analytics.queries import run_summary
from analytics.run_tracks import run_tracks
from analytics.space import refresh_statistics
from analytics.summaries import run_report
from analytics.timelines import run_timeline
from analytics.trends import heat_map, timeline, totals
from benchmarks.history_load import LONG_RUN, UNTIL, RawRows, load_long_run, load_year
from benchmarks.results import Verdict, write_result
from contracts.database import open_engine, upgrade
from contracts.history import DAY_S
from tests.postgresql import private_postgresql

MILLIONS = [float(one) for one in os.environ.get("BENCH_MILLIONS", "0.5,2,5").split(",")]
LONG_HOURS = float(os.environ.get("BENCH_LONG_HOURS", "10"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "25"))
LONGEST_P95_MS = 300.0
LARGEST_GROWTH = 1.5
"""Of any question's median from the fewest raw rows to the most; what is measured here varies."""
GROWTH_FLOOR_MS = 5.0
BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")

Question = Callable[[Engine, timedelta], Any]


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Load, ask, load more, ask again."""
    measured: dict[str, dict[str, list[dict[str, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder, private_postgresql() as server:
        urls = {"sqlite": f"sqlite:///{folder}/history.db", "postgresql": server.url}
        for name, url in urls.items():
            engine = open_engine(url)
            upgrade(engine)
            measured[name] = _measure(engine, name, console)
            engine.dispose()
    verdicts = _verdicts(measured)
    write_result(
        "history", {"millions": MILLIONS, "long_run_h": LONG_HOURS, "ms": measured}, verdicts
    )
    return verdicts


def questions() -> dict[str, Question]:
    """Each is asked for the time up to UNTIL less a shift of some minutes."""

    def over(days: float, zone: ZoneInfo = BERLIN, **more: Any) -> Question:
        def ask(engine: Engine, shift: timedelta) -> Any:
            until = UNTIL - shift
            return timeline(engine, until - timedelta(days=days), until, zone, **more)

        return ask

    def ranged(function: Callable[..., Any], days: float, *more: Any) -> Question:
        return lambda engine, shift: function(
            engine, UNTIL - shift - timedelta(days=days), UNTIL - shift, *more
        )

    def sharpest(engine: Engine, shift: timedelta) -> Any:
        return moments(over(7)(engine, shift))

    return {
        "timeline 1 h": over(1 / 24),
        "timeline 24 h": over(1),
        "timeline 7 d": over(7),
        "timeline 30 d, one source": over(30, sources=["camera3"]),
        "timeline 365 d": over(365),
        "timeline 365 d by day": over(365, step_s=DAY_S),
        "timeline 365 d, together": over(365, together=True),
        "timeline 365 d in Kathmandu": over(365, KATHMANDU),
        "totals 24 h": ranged(totals, 1),
        "totals 7 d": ranged(totals, 7),
        "totals 180 d": ranged(totals, 180),
        "heat map 30 d": ranged(heat_map, 30, BERLIN),
        "heat map 365 d": ranged(heat_map, 365, BERLIN),
        "moments 7 d": sharpest,
        "tracks of a run": lambda engine, _shift: run_tracks(engine, "bench-1", after=500),
        "summary of a long run": lambda engine, _shift: run_summary(engine, LONG_RUN),
        "timeline of a long run": lambda engine, _shift: run_timeline(engine, LONG_RUN, 96),
        "report of a long run": lambda engine, _shift: run_report(engine, LONG_RUN),
        "lanes of a long run": lambda engine, _shift: run_lanes(engine, LONG_RUN),
    }


def _measure(engine: Engine, name: str, console: Console) -> dict[str, list[dict[str, float]]]:
    begin = time.monotonic()
    load_year(engine)
    console.print(f"{name}: a year of rollups in {time.monotonic() - begin:.0f} s")
    begin = time.monotonic()
    faces = load_long_run(engine, LONG_HOURS)
    console.print(f"{name}: a run of {faces:,} faces in {time.monotonic() - begin:.0f} s")
    rows, found = RawRows(engine), dict[str, list[dict[str, float]]]()
    for millions in MILLIONS:
        begin = time.monotonic()
        rows.grow_to(round(millions * 1e6))
        refresh_statistics(engine)
        console.print(f"{name}: {rows.faces:,} faces in {time.monotonic() - begin:.0f} s")
        for question, ask in questions().items():
            found.setdefault(question, []).append(_asked(engine, ask))
    table = Table("question", *(f"{millions} M" for millions in MILLIONS), title=name, box=None)
    for question, times in found.items():
        table.add_row(question, *(f"{one['p50']:.0f} / {one['p95']:.0f} ms" for one in times))
    console.print(table)
    return found


def _asked(engine: Engine, ask: Question) -> dict[str, float]:
    chance, times = random.Random(1), list[float]()
    ask(engine, timedelta(0))
    for _ in range(REPEATS):
        shift = timedelta(minutes=chance.randrange(600))
        begin = time.perf_counter()
        ask(engine, shift)
        times.append((time.perf_counter() - begin) * 1000)
    times.sort()
    return {"p50": statistics.median(times), "p95": times[int(len(times) * 0.95)]}


def _verdicts(measured: dict[str, dict[str, list[dict[str, float]]]]) -> list[Verdict]:
    """The slowest question of all, and the one that grew most with what is stored."""
    verdicts = []
    for name, found in measured.items():
        slowest = max(found, key=lambda question: found[question][-1]["p95"])
        p95 = found[slowest][-1]["p95"]
        verdicts.append(
            Verdict(
                f"{name}: slowest at {MILLIONS[-1]} M rows: {slowest}, p95 {p95:.0f} ms of 300",
                p95 < LONGEST_P95_MS,
            )
        )
        growths = {question: _growth(times) for question, times in found.items()}
        grown = max(growths, key=lambda question: growths[question])
        verdicts.append(
            Verdict(
                f"{name}: grew most: {grown}, {growths[grown]:.2f} times as long with "
                f"{MILLIONS[-1] / MILLIONS[0]:.0f} times the raw rows, under {LARGEST_GROWTH}",
                growths[grown] < LARGEST_GROWTH,
            )
        )
    return verdicts


def _growth(times: list[dict[str, float]]) -> float:
    """Of the median, from the fewest rows to the most; a few milliseconds are noise."""
    few, many = (max(one["p50"], GROWTH_FLOOR_MS) for one in (times[0], times[-1]))
    return many / few
