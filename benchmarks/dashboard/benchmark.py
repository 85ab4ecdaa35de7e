"""The dashboard in a real browser: Trends over a year of ten cameras, and Now with 50 viewers."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.dashboard.now import VIEWERS, NowTimes, measure_now
from benchmarks.dashboard.server import LIVE_SOURCES, create_year_database, dashboard_server
from benchmarks.dashboard.trends import INTERACTIONS, TrendsTimes, measure_trends
from benchmarks.results import Verdict, write_result
from broker.embedded import EmbeddedBroker
from records.broker_key import read_broker_key
from records.database import open_engine

_MAX_PAINT_S: Final = 1.5
_MAX_ZOOM_S: Final = 0.5
_MAX_AGE_S: Final = 1.0
_MAX_MEMORY_MB: Final = 20.0


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Start a dashboard over a year of data, and measure both pages. No clip is used."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        url = create_year_database(folder, console)
        with dashboard_server(url, broker.url, folder) as (address, process):
            trends = measure_trends(address, process)
            now = measure_now(address, broker.url, _broker_key(url), process)
    verdicts = _verdicts(trends, now)
    write_result("dashboard", asdict(trends) | asdict(now), verdicts)
    return verdicts


def _broker_key(database: str) -> bytes:
    engine = open_engine(database)
    try:
        return read_broker_key(engine)
    finally:
        engine.dispose()


def _verdicts(trends: TrendsTimes, now: NowTimes) -> list[Verdict]:
    return [
        Verdict(
            f"Trends draws its first chart in {trends.paint_s:.2f} s (median)",
            trends.paint_s < _MAX_PAINT_S,
        ),
        Verdict(
            f"Trends draws a new range in {trends.zoom_s:.2f} s (median)",
            trends.zoom_s < _MAX_ZOOM_S,
        ),
        Verdict(
            f"Trends draws a new range of six charts in {trends.six_zoom_s:.2f} s (median)",
            trends.six_zoom_s < _MAX_ZOOM_S,
        ),
        Verdict(
            f"server memory changes by {trends.memory_mb:+.1f} MB over {INTERACTIONS} interactions",
            trends.memory_mb < _MAX_MEMORY_MB,
        ),
        Verdict(
            f"{LIVE_SOURCES} tiles are {now.tile_p95_s:.2f} s old for {VIEWERS} viewers (p95)",
            now.tile_p95_s <= _MAX_AGE_S,
        ),
        Verdict(
            f"their pictures are {now.picture_p95_s:.2f} s old (p95), with a server load of "
            f"{now.server_cpu:.2f} cores",
            now.picture_p95_s <= _MAX_AGE_S,
        ),
        Verdict(f"{now.viewers} viewers received all pictures", now.viewers == VIEWERS),
    ]
