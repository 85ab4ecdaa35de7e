"""The read API over a year of ten cameras' rollups and 0.5, 2 and 5 million raw face rows.

And over a recording of ten hours at 25 frames a second with two people.

On SQLite and on PostgreSQL, both private to this run. Each question is asked many times over; the
95th percentile counts. That what is stored does not matter, only what is shown, is said of a copy
with the fewest rows and the database with the most, asked in turns: a machine's speed changes.
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

from analytics.history.moments import moments
from analytics.history.trends import heat_map, timeline, totals
from analytics.removal.freed_space import refresh_statistics
from analytics.runs.report import run_report
from analytics.runs.run_list import run_summary
from analytics.runs.timeline import run_timeline
from analytics.runs.track_timelines import run_lanes
from analytics.runs.tracks import run_tracks
from benchmarks.history_load import LONG_RUN, UNTIL, RawRows, load_long_run, load_year
from benchmarks.results import Verdict, write_result
from records.database import open_engine, upgrade
from tests.postgresql import private_postgresql

MILLIONS = [float(one) for one in os.environ.get("BENCH_MILLIONS", "0.5,2,5").split(",")]
LONG_HOURS = float(os.environ.get("BENCH_LONG_HOURS", "10"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "25"))
LONGEST_P95_MS = 300.0
LARGEST_GROWTH = 1.5
"""Of any question's median from the fewest raw rows to the most."""
GROWTH_FLOOR_MS = 5.0
"""A few milliseconds are noise."""
BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")

Question = Callable[[Engine, timedelta], Any]
Times = dict[str, list[dict[str, float]]]
"""By question, for each of MILLIONS."""


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Load, ask, load more, ask again."""
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
        "timeline 365 d, one source": over(365, sources=["camera3"]),
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


def _measure(engine: Engine, name: str, console: Console) -> tuple[Times, dict[str, float]]:
    """How long each question takes, and how much longer than of the fewest rows."""
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
            small = _copied(engine)
        for question, ask in questions().items():
            (times,) = _asked([engine], ask)
            found.setdefault(question, []).append(_told(times))
    grown = {
        question: _growth(*_asked([small, engine], ask)) for question, ask in questions().items()
    }
    small.dispose()
    table = Table("question", *(f"{millions} M" for millions in MILLIONS), "growth", box=None)
    table.title = name
    for question, told in found.items():
        columns = (f"{one['p50']:.0f} / {one['p95']:.0f} ms" for one in told)
        table.add_row(question, *columns, f"{grown[question]:.2f}")
    console.print(table)
    return found, grown


def _copied(engine: Engine) -> Engine:
    """The database as it is, once more beside it."""
    engine.dispose()
    if engine.dialect.name == "sqlite":
        path = f"{engine.url.database}.small"
        shutil.copy(str(engine.url.database), path)  # Nobody has it open: its log is folded in.
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


def _asked(engines: Sequence[Engine], ask: Question) -> list[list[float]]:
    """Milliseconds, sorted, of each engine; they take turns."""
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


def _told(times: list[float]) -> dict[str, float]:
    return {"p50": statistics.median(times), "p95": times[int(len(times) * 0.95)]}


def _growth(few: list[float], many: list[float]) -> float:
    return max(statistics.median(many), GROWTH_FLOOR_MS) / max(
        statistics.median(few), GROWTH_FLOOR_MS
    )


def _verdicts(measured: dict[str, Times], grown: dict[str, dict[str, float]]) -> list[Verdict]:
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
        most = max(grown[name], key=lambda question: grown[name][question])
        verdicts.append(
            Verdict(
                f"{name}: grew most: {most}, {grown[name][most]:.2f} times as long with "
                f"{MILLIONS[-1] / MILLIONS[0]:.0f} times the raw rows, under {LARGEST_GROWTH}",
                grown[name][most] < LARGEST_GROWTH,
            )
        )
    return verdicts
