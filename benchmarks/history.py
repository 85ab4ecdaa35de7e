"""Query times over a year of ten cameras' rollups and 0.5, 2 and 5 million raw face rows.

And over a recording of ten hours at 25 frames per second with two people.

The databases are SQLite and PostgreSQL, both private to this run. The target is for the 95th
percentile of each query. A query's time must not grow with the stored rows: the database with the
most rows and a copy with the fewest are queried in turns, because a machine's speed changes.
"""

import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from analytics.history.hours_of_week.heat_map import heat_map
from analytics.history.moments import moments
from analytics.history.timeline import timeline
from analytics.history.totals import totals
from analytics.removal.freed_space import refresh_statistics
from analytics.runs.reports.report import run_report
from analytics.runs.run_summary import run_summary
from analytics.runs.timeline import run_timeline
from analytics.runs.track_timelines import track_timelines
from analytics.runs.tracks import run_tracks
from analytics.snapshots import in_snapshot
from benchmarks.history_load import LONG_RUN, UNTIL, RawRows, load_long_run, load_year
from benchmarks.results import Verdict, write_result
from records.database import open_engine
from records.schema import upgrade
from tests.postgresql import private_postgresql

MILLIONS = [float(one) for one in os.environ.get("BENCH_MILLIONS", "0.5,2,5").split(",")]
LONG_HOURS = float(os.environ.get("BENCH_LONG_HOURS", "10"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "25"))
LONGEST_P95_MS = 300.0
LARGEST_GROWTH = 1.5
"""The growth of any query's median, from the fewest raw rows to the most."""
GROWTH_FLOOR_MS = 5.0
"""Medians below this count as this: a few milliseconds are noise."""
BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")

Query = Callable[[Engine, timedelta], Any]
Times = dict[str, list[dict[str, float]]]
"""By query, for each of MILLIONS."""


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Load rows and measure the queries, in growing steps."""
    measured: dict[str, Times] = {}
    grown: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, private_postgresql() as server:
        urls = {"sqlite": f"sqlite:///{folder}/history.db", "postgresql": server.url}
        for name, url in urls.items():
            engine = open_engine(url)
            upgrade(engine)
            measured[name], grown[name] = _measure(engine, name, console)
            engine.dispose()
    verdicts = _verdicts(measured, grown)
    found = {"millions": MILLIONS, "long_run_h": LONG_HOURS, "ms": measured, "growth": grown}
    write_result("history", found, verdicts)
    return verdicts


def queries() -> dict[str, Query]:
    """Return the queries by name; each ends at UNTIL minus a given shift."""

    def over(days: float, zone: ZoneInfo = BERLIN, **more: Any) -> Query:
        def ask(engine: Engine, shift: timedelta) -> Any:
            until = UNTIL - shift
            return in_snapshot(engine, timeline, until - timedelta(days=days), until, zone, **more)

        return ask

    def ranged(function: Callable[..., Any], days: float, *more: Any) -> Query:
        return lambda engine, shift: in_snapshot(
            engine, function, UNTIL - shift - timedelta(days=days), UNTIL - shift, *more
        )

    def sharpest(engine: Engine, shift: timedelta) -> Any:
        return moments(over(7)(engine, shift))

    return {
        "timeline 1 h": over(1 / 24),
        "timeline 24 h": over(1),
        "timeline 7 d": over(7),
        "timeline 30 d, one source": over(30, sources=["camera3"]),
        "timeline 365 d": over(365),
        "timeline 365 d, one source": over(365, sources=["camera3"]),
        "timeline 365 d, together": over(365, together=True),
        "timeline 365 d in Kathmandu": over(365, KATHMANDU),
        "totals 24 h": ranged(totals, 1),
        "totals 7 d": ranged(totals, 7),
        "totals 180 d": ranged(totals, 180),
        "heat map 30 d": ranged(heat_map, 30, BERLIN),
        "heat map 365 d": ranged(heat_map, 365, BERLIN),
        "moments 7 d": sharpest,
        "tracks of a run": lambda engine, _shift: in_snapshot(
            engine, run_tracks, "bench-1", after=500
        ),
        "summary of a long run": lambda engine, _shift: in_snapshot(engine, run_summary, LONG_RUN),
        "timeline of a long run": lambda engine, _shift: in_snapshot(
            engine, run_timeline, LONG_RUN, 96
        ),
        "report of a long run": lambda engine, _shift: in_snapshot(engine, run_report, LONG_RUN),
        "lanes of a long run": lambda engine, _shift: in_snapshot(
            engine, track_timelines, LONG_RUN
        ),
    }


def _measure(engine: Engine, name: str, console: Console) -> tuple[Times, dict[str, float]]:
    """Return the times of each query, and the growth of its median with the rows."""
    begin = time.monotonic()
    load_year(engine)
    console.print(f"{name}: a year of rollups in {time.monotonic() - begin:.0f} s")
    begin = time.monotonic()
    faces = load_long_run(engine, LONG_HOURS)
    console.print(f"{name}: a run of {faces:,} faces in {time.monotonic() - begin:.0f} s")
    rows, found, small = RawRows(engine), Times(), engine
    for millions in MILLIONS:
        begin = time.monotonic()
        rows.grow_to(round(millions * 1e6))
        refresh_statistics(engine)
        console.print(f"{name}: {rows.faces:,} faces in {time.monotonic() - begin:.0f} s")
        if millions == MILLIONS[0]:
            small = _copy(engine)
        for query, ask in queries().items():
            (times,) = _time([engine], ask)
            found.setdefault(query, []).append(_percentiles(times))
    grown = {query: _growth(*_time([small, engine], ask)) for query, ask in queries().items()}
    small.dispose()
    table = Table("query", *(f"{millions} M" for millions in MILLIONS), "growth", box=None)
    table.title = name
    for query, percentiles in found.items():
        columns = (f"{one['p50']:.0f} / {one['p95']:.0f} ms" for one in percentiles)
        table.add_row(query, *columns, f"{grown[query]:.2f}")
    console.print(table)
    return found, grown


def _copy(engine: Engine) -> Engine:
    """Copy the database; return an engine on the copy."""
    engine.dispose()
    if engine.dialect.name == "sqlite":
        path = f"{engine.url.database}.small"
        shutil.copy(
            str(engine.url.database), path
        )  # No connection is open, so the WAL is checkpointed.
        return open_engine(f"sqlite:///{path}")
    admin_url, url = (
        engine.url.set(database=name).render_as_string(hide_password=False)
        for name in ("template1", "small")
    )
    admin = open_engine(admin_url).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE small TEMPLATE "{engine.url.database}"'))
    admin.dispose()
    return open_engine(url)


def _time(engines: Sequence[Engine], ask: Query) -> list[list[float]]:
    """Return the sorted milliseconds of each engine; they are queried in turns."""
    chance, found = random.Random(1), [list[float]() for _ in engines]
    for engine in engines:
        ask(engine, timedelta(0))
    for _ in range(REPEATS):
        shift = timedelta(minutes=chance.randrange(600))
        for engine, times in zip(engines, found, strict=True):
            begin = time.perf_counter()
            ask(engine, shift)
            times.append((time.perf_counter() - begin) * 1000)
    return [sorted(times) for times in found]


def _percentiles(times: list[float]) -> dict[str, float]:
    return {"p50": statistics.median(times), "p95": times[int(len(times) * 0.95)]}


def _growth(few: list[float], many: list[float]) -> float:
    return max(statistics.median(many), GROWTH_FLOOR_MS) / max(
        statistics.median(few), GROWTH_FLOOR_MS
    )


def _verdicts(measured: dict[str, Times], grown: dict[str, dict[str, float]]) -> list[Verdict]:
    """Check the slowest query, and the one that grew most with the stored rows."""
    verdicts = []
    for name, found in measured.items():
        slowest = max(found, key=lambda query: found[query][-1]["p95"])
        p95 = found[slowest][-1]["p95"]
        verdicts.append(
            Verdict(
                f"{name}: {slowest} is slowest with {MILLIONS[-1]} M rows, p95 {p95:.0f} ms "
                f"(target: under 300 ms)",
                p95 < LONGEST_P95_MS,
            )
        )
        most = max(grown[name], key=lambda query: grown[name][query])
        verdicts.append(
            Verdict(
                f"{name}: {most} grew most, to {grown[name][most]:.2f} times its time, "
                f"for {MILLIONS[-1] / MILLIONS[0]:.0f} times the rows (target: under "
                f"{LARGEST_GROWTH})",
                grown[name][most] < LARGEST_GROWTH,
            )
        )
    return verdicts
