"""The API over a year of ten cameras and 5 million faces: reads, validators, memory, streams."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from analytics.removal.freed_space import refresh_statistics
from analytics.runs.missing_steps import add_missing_steps
from benchmarks.api.clients import Client, Times
from benchmarks.api.load import Memory, Validations, measure_memory, measure_validations
from benchmarks.api.reads import RUN, measure_reads
from benchmarks.api.streams import (
    CLIENTS,
    STALLED,
    StreamTimes,
    measure_streams,
)
from benchmarks.dashboard.server import LIVE_SOURCES, dashboard_server
from benchmarks.history_load import (
    RawRows,
    count_on_from_loaded_keys,
    load_long_run,
    load_year,
)
from benchmarks.results import Verdict, write_result
from broker.embedded import EmbeddedBroker
from records.broker_key import read_broker_key
from records.database import open_engine
from records.schema import upgrade
from records.sources.live_sources import SourceSettings, add_source
from records.users.api_tokens import add_token
from records.users.roles import TokenScope
from tests.postgresql import private_postgresql

_ALL: Final = "reads,validators,memory,streams"
PARTS: Final = tuple(os.environ.get("BENCH_API_PARTS", _ALL).split(","))
FACES: Final = float(os.environ.get("BENCH_MILLIONS", "5").split(",")[-1])
DATABASE: Final = os.environ.get("BENCH_API_DATABASE", "")
"""postgresql, or the URL of a database of an earlier run, to measure again without loading."""
_LONG_HOURS: Final = 1.0
_PROGRAMS: Final = 10
_MOST_P95_MS: Final = 300.0
_LEAST_A_SECOND: Final = 200.0
_MOST_MEMORY_MB: Final = 10.0
_MOST_AGE_S: Final = 1.0


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Load the rows, start a dashboard, and measure. No clip is used."""
    with _loaded(console) as (url, home), EmbeddedBroker() as broker:
        engine = open_engine(url)
        stamp = f"{time.time():.0f}"
        tokens = [
            add_token(engine, f"bench-{stamp}-{number}", TokenScope.ADMIN, actor="benchmark")
            for number in range(_PROGRAMS)
        ]
        key = read_broker_key(engine)
        engine.dispose()
        measured: dict[str, Any] = {"faces_millions": FACES}
        verdicts: list[Verdict] = []
        with dashboard_server(url, broker.url, home) as (address, server):
            if "reads" in PARTS:
                times = dict(measure_reads(Client(address, tokens[0]), server))
                _print_times(console, times)
                measured["reads"] = {name: asdict(one) for name, one in times.items()}
                verdicts.append(_slowest(times))
            if "validators" in PARTS:
                again = measure_validations(address, tokens[1], server)
                measured["validators"] = asdict(again)
                verdicts.append(_quick_enough(again))
            if "memory" in PARTS:
                memory = measure_memory(Client(address, tokens[0]), server)
                measured["memory"] = asdict(memory)
                verdicts.append(_flat(memory))
            if "streams" in PARTS:
                streams = measure_streams(address, tokens, broker.url, key, server)
                measured["streams"] = asdict(streams)
                verdicts += _served(streams)
    write_result(_result_name(), measured, verdicts)
    return verdicts


def _result_name() -> str:
    """Return a name that leaves the result of a whole run on SQLite alone."""
    parts = () if tuple(_ALL.split(",")) == PARTS else PARTS
    database = ("postgresql",) if DATABASE.startswith("postgresql") else ()
    return "-".join(("api", *parts, *database))


@contextmanager
def _loaded(console: Console) -> Iterator[tuple[str, str]]:
    """Yield the URL of a loaded database, and a home."""
    with tempfile.TemporaryDirectory() as folder:
        if DATABASE == "postgresql":
            with private_postgresql() as server:
                load(server.url, console)
                yield server.url, folder
            return
        if DATABASE:
            yield DATABASE, folder
            return
        url = f"sqlite:///{folder}/records.db"
        load(url, console)
        yield url, folder


def load(url: str, console: Console) -> None:
    """Create a database with the year, the faces, and live sources."""
    engine = open_engine(url)
    upgrade(engine)
    begin_s = time.monotonic()
    load_year(engine)
    load_long_run(engine, _LONG_HOURS)
    rows = RawRows(engine, with_steps=lambda run_id: run_id == RUN)
    rows.grow_to(round(FACES * 1e6))
    count_on_from_loaded_keys(engine)
    for number in range(LIVE_SOURCES):
        add_source(engine, f"live{number}", SourceSettings("0", "0", "nowhere", 5.0, None))
    console.print(f"loaded {rows.faces:,} faces in {time.monotonic() - begin_s:.0f} s")
    begin_s = time.monotonic()
    refresh_statistics(engine)  # As the scheduler does every night.
    add_missing_steps(engine)
    engine.dispose()
    console.print(f"gave old runs their summary steps in {time.monotonic() - begin_s:.0f} s")


def _print_times(console: Console, times: dict[str, Times]) -> None:
    table = Table("request", "p50", "p95", "server CPU", "kB", box=None)
    for name, one in times.items():
        numbers = (f"{one.p50_ms:.0f}", f"{one.p95_ms:.0f} ms", f"{one.cpu_ms:.1f} ms")
        table.add_row(name, *numbers, f"{one.kilobytes:.0f}")
    console.print(table)


def _slowest(times: dict[str, Times]) -> Verdict:
    name = max(times, key=lambda one: times[one].p95_ms)
    slowest = times[name]
    return Verdict(
        f"{name} is the slowest read over {FACES:g} million faces: p95 {slowest.p95_ms:.0f} ms, "
        f"{slowest.cpu_ms:.0f} ms CPU (target: under {_MOST_P95_MS:.0f} ms)",
        slowest.p95_ms < _MOST_P95_MS,
    )


def _quick_enough(found: Validations) -> Verdict:
    return Verdict(
        f"{found.a_second:.0f} validations a second, {found.cpu_ms:.2f} ms CPU each "
        f"(target: {_LEAST_A_SECOND:.0f})",
        found.a_second >= _LEAST_A_SECOND and found.unmodified == found.sent,
    )


def _flat(memory: Memory) -> Verdict:
    return Verdict(
        f"server memory changes by {memory.change_mb:+.1f} MB of {memory.settled_mb:.0f} MB over "
        f"{memory.requests:,} requests (target: less than {_MOST_MEMORY_MB:.0f} MB)",
        memory.change_mb < _MOST_MEMORY_MB,
    )


def _served(found: StreamTimes) -> list[Verdict]:
    return [
        Verdict(
            f"readings are {found.p95_age_s:.2f} s old for {CLIENTS - STALLED} programs (p95), "
            f"with a server load of {found.cores:.2f} cores",
            found.p95_age_s <= _MOST_AGE_S,
        ),
        Verdict(
            f"no program missed an event: {found.slowest} to {found.quickest} each",
            not found.gaps and found.slowest > 0,
        ),
        Verdict(
            f"{STALLED} programs that read nothing cost {found.memory_mb:+.1f} MB of the server",
            found.memory_mb < _MOST_MEMORY_MB,
        ),
    ]
