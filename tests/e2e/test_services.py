"""ingest and worker as services on servers of one's own: shared work, kills, cancels."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import pytest

from moodline.broker import EmbeddedBroker
from tests.e2e.commands import Installation, assert_plain_failure, poll


@pytest.fixture
def served(tmp_path: Path, postgresql_database: str) -> Iterator[Installation]:
    """An installation on a broker and a PostgreSQL of its own, with short leases."""
    with EmbeddedBroker() as broker:
        yield Installation(
            tmp_path / "served",
            {
                "MOODLINE_DATABASE_URL": postgresql_database,
                "MOODLINE_REDIS_URL": broker.url,
                "MOODLINE_LEASE_S": "2",
                "MOODLINE_BATCH_FRAMES": "4",
            },
        )


@contextmanager
def service(installation: Installation, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A service that is running; at the end SIGTERM must end it well, if nothing has."""
    process = installation.start(*arguments)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGKILL), err


def frames_analyzed(installation: Installation) -> int:
    runs = json.loads(installation.run("runs", "list", "--json").stdout)["runs"]
    return sum(run["frames_analyzed"] for run in runs)


def test_services_share_the_work_and_outlive_a_kill(
    served: Installation,
    installation: Installation,
    long_clip: Path,
    three_faces: Path,
    tmp_path: Path,
) -> None:
    installation.analyze(long_clip, three_faces)
    queued = served.run("analyze", long_clip, three_faces, "--detach", "--json")
    assert queued.returncode == 0, queued.stderr
    assert [f["state"] for f in json.loads(queued.stdout)["files"]] == ["queued", "queued"]
    assert len(json.loads(served.run("jobs", "list", "--json").stdout)["jobs"]) == 2

    with ExitStack() as services:
        for _ in range(2):
            services.enter_context(service(served, "ingest", "--parallel", "1"))
        victim = services.enter_context(service(served, "worker"))
        services.enter_context(service(served, "worker"))
        poll(lambda: frames_analyzed(served) > 0)
        os.killpg(victim.pid, signal.SIGKILL)
        watched = served.run("jobs", "watch")
        if frames_analyzed(served) < 345:
            watched = served.run("jobs", "watch")

    assert watched.returncode == 0, watched.stdout + watched.stderr
    pd.testing.assert_frame_equal(
        served.exported(tmp_path / "served.csv"), installation.exported(tmp_path / "calm.csv")
    )
    assert "No frame" in served.run("dead-letters").stdout
    assert "No jobs" in served.run("jobs", "list").stdout


def test_a_cancelled_job_ends_and_the_next_goes_on(
    served: Installation, long_clip: Path, three_faces: Path
) -> None:
    queued = served.run("analyze", long_clip, "--detach", "--json")
    (file,) = json.loads(queued.stdout)["files"]
    with service(served, "ingest", "--parallel", "1"):
        poll(lambda: "running" in served.run("jobs", "list").stdout)
        # Nobody reads: its stream is full, or will be.
        assert served.run("jobs", "cancel", file["run_id"]).returncode == 0
        served.run("analyze", three_faces, "--detach")
        with service(served, "worker"):
            assert served.run("jobs", "watch").returncode == 0

    runs = json.loads(served.run("runs", "list", "--json").stdout)["runs"]
    assert {run["run_id"]: run["state"] for run in runs}[file["run_id"]] == "cancelled"
    assert sorted(run["state"] for run in runs) == ["cancelled", "done"]


def test_a_service_without_servers_says_what_it_needs(installation: Installation) -> None:
    for name in ("worker", "ingest"):
        done = installation.run(name)
        assert_plain_failure(done)
        assert "MOODLINE_REDIS_URL" in done.stderr


def test_detached_work_can_neither_be_exported_nor_drawn_yet(
    installation: Installation, one_face: Path
) -> None:
    assert_plain_failure(installation.run("analyze", one_face, "--detach", "--export", "a.csv"))
    assert_plain_failure(installation.run("jobs", "cancel", "nothing"))
