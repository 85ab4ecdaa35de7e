"""Exports of millions of rows: memory does not grow, and a killed export leaves no partial file."""

import csv
import json
import os
import select
import signal
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from benchmarks.history_load import RawRows, load_sources
from records.database import open_engine
from records.schema import upgrade
from tests.e2e.commands import Installation, poll

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

ROWS = int(os.environ.get("EXPORT_ROWS", "5000000"))
LARGEST_GROWTH_MB = 40
"""For the buffers of the writers. The rows take gigabytes."""


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, int]:
    """A database with ROWS face rows, and their exact number."""
    home = tmp_path_factory.mktemp("volume")
    engine = open_engine(f"sqlite:///{home / 'moodline.db'}")
    upgrade(engine)
    load_sources(engine)
    rows = RawRows(engine)
    rows.grow_to(ROWS)
    engine.dispose()
    return Installation(home), rows.faces


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_memory_of_an_export_does_not_grow(
    volume: tuple[Installation, int], tmp_path: Path, suffix: str
) -> None:
    installation, faces = volume
    out = tmp_path / f"all.{suffix}"
    process = installation.start("export", "--out", out)
    watched, sizes = psutil.Process(process.pid), list[int]()

    def sample() -> bool:
        if process.poll() is not None:
            return True
        if written(tmp_path) > 1_000_000:  # Imports are done, and rows are written.
            sizes.append(watched.memory_info().rss)
        return False

    while not sample():
        select.select([], [], [], 0.2)  # It takes minutes; the module's timeout limits it.
    assert process.returncode == 0, process.communicate()
    assert rows_of(out) == faces
    tenth = max(len(sizes) // 10, 1)
    early, late = max(sizes[tenth : 3 * tenth]), max(sizes[-2 * tenth :])
    print(suffix, "MB early, late:", early / 1e6, late / 1e6, "rows:", faces)
    assert late - early < LARGEST_GROWTH_MB * 1e6


def test_a_killed_export_leaves_no_file_of_its_name(
    volume: tuple[Installation, int], tmp_path: Path
) -> None:
    installation, _ = volume
    out = tmp_path / "all.csv"
    process = installation.start("export", "--out", out)
    poll(lambda: written(tmp_path) > 5_000_000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not out.exists()


def written(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(".moodline-*"))


def rows_of(out: Path) -> int:
    if out.suffix == ".parquet":
        return int(pq.ParquetFile(out).metadata.num_rows)
    with out.open(newline="") as file:
        if out.suffix == ".csv":
            return sum(1 for _ in csv.reader(file)) - 1
        return sum(1 for line in file if json.loads(line)["source"])
