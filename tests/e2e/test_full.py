"""A full disk and a full broker: reported, without corruption, and continued when space is free."""

import contextlib
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import redis

from broker.embedded import EmbeddedBroker
from tests.e2e.commands import TIMEOUT_S, Installation, poll
from tests.e2e.test_services import frames_analyzed, service
from tests.requirements import lacking

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DISK = 16_000_000
"""For the database, and for the write-ahead log, which SQLite reuses from 4 MB on."""
FREE = 150_000
LIMIT_S = 1200
"""For what takes seconds on a machine that does nothing else."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds the rows of a clip."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = f"size={DISK},mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "moodline-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        lacking("root", "mounting a small disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def free(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def test_analysis_waits_while_the_disk_is_full(
    small_disk: Path, installation: Installation, long_clip: Path, tmp_path: Path
) -> None:
    installation.analyze(long_clip)
    cramped = Installation(small_disk)
    assert cramped.run("runs", "list").returncode == 0
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(free(small_disk) - FREE))

    process = cramped.start("analyze", long_clip, "--json")
    assert process.stderr is not None
    said = process.stderr.readline()
    ballast.unlink()  # Before that, not even a reader can open the database.
    stored = frames_analyzed(cramped)
    out, rest = process.communicate(timeout=LIMIT_S)

    assert "waiting:" in said and "full" in said, said + rest
    assert "Traceback" not in said + rest
    assert stored < 315
    assert process.returncode == 0, rest
    assert json.loads(out)["files"][0]["frames_analyzed"] == 315
    with contextlib.closing(sqlite3.connect(small_disk / "moodline.db")) as records:
        assert records.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    pd.testing.assert_frame_equal(
        cramped.exported(tmp_path / "cramped.csv", "--frames"),
        installation.exported(tmp_path / "calm.csv", "--frames"),
    )


def test_ingest_waits_while_the_broker_is_full(
    installation: Installation, long_clip: Path, tmp_path: Path
) -> None:
    installation.analyze(long_clip)
    with (
        EmbeddedBroker() as broker,
        contextlib.closing(redis.Redis.from_url(broker.url)) as admin,
    ):
        admin.config_set("maxmemory", "8mb")
        served = Installation(
            tmp_path / "served",
            {
                "MOODLINE_REDIS_URL": broker.url,
                "MOODLINE_DATABASE_URL": f"sqlite:///{tmp_path / 'records.db'}",
            },
        )
        served.run("analyze", long_clip, "--detach")
        ingest = served.start("ingest")
        assert ingest.stderr is not None
        said = ""
        while "memory is full" not in said:
            said = ingest.stderr.readline()
            assert said, "the service ended"
        used = admin.info("memory")["used_memory"]
        status = json.loads(served.run("status", "--json").stdout)
        with service(served, "worker"):
            poll(lambda: frames_analyzed(served) == 315)
            assert served.run("jobs", "watch").returncode == 0
        ingest.terminate()
        ingest.communicate(timeout=TIMEOUT_S)

    assert json.loads(said)["source"] == "long.mp4"
    assert used < 8 * 2**20
    assert status["runs"][0]["lag"] > 0
    pd.testing.assert_frame_equal(
        served.exported(tmp_path / "served.csv", "--frames"),
        installation.exported(tmp_path / "calm.csv", "--frames"),
    )
