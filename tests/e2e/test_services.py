"""The services ingest and worker on given servers: shared work, kills, cancelled jobs, status."""

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest
from sqlalchemy import select, update

from broker.embedded import EmbeddedBroker
from contracts.runs import RunState
from records.database import open_engine
from records.tables.runs import Run
from tests.e2e.commands import TIMEOUT_S, Installation, assert_plain_failure, poll, runs_of


@pytest.fixture
def served(tmp_path: Path, postgresql_database: str) -> Iterator[Installation]:
    """An installation with its own broker and PostgreSQL database, and short leases."""
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
    """Run a service. At the end SIGTERM must end it with status 0, unless it was killed."""
    process = installation.start(*arguments)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode in (0, -signal.SIGKILL), err


def frames_analyzed(installation: Installation) -> int:
    return sum(run.frames_analyzed for run in runs_of(installation))


def states(installation: Installation) -> dict[str, str]:
    return {run.source: str(run.state) for run in runs_of(installation)}


@pytest.mark.slow
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
    assert "No dead letters" in served.run("dead-letters").stdout
    assert "No jobs" in served.run("jobs", "list").stdout


def test_a_cancelled_job_ends_and_the_next_is_analysed(
    served: Installation, long_clip: Path, three_faces: Path
) -> None:
    queued = served.run("analyze", long_clip, "--detach", "--json")
    (file,) = json.loads(queued.stdout)["files"]
    with service(served, "ingest", "--parallel", "1"):
        poll(lambda: "running" in states(served).values())
        # Without a worker its stream fills up, so it stays running.
        assert served.run("jobs", "cancel", file["run_id"]).returncode == 0
        served.run("analyze", three_faces, "--detach")
        with service(served, "worker"):
            assert served.run("jobs", "watch").returncode == 0

    assert {run.run_id: run.state for run in runs_of(served)}[file["run_id"]] == "cancelled"
    assert sorted(states(served).values()) == ["cancelled", "done"]


def test_a_run_of_another_model_is_queued_again_with_the_present_one(
    installation: Installation, one_face: Path
) -> None:
    queued = installation.run("analyze", one_face, "--source", "door", "--detach", "--json")
    (file,) = json.loads(queued.stdout)["files"]
    engine = open_engine(f"sqlite:///{installation.home / 'moodline.db'}")
    with engine.begin() as connection:
        present = connection.execute(select(Run.model_version)).scalar_one()
        connection.execute(update(Run).values(model_version="old@1", state=RunState.FAILED))
    again = installation.run("jobs", "again", file["run_id"])

    assert again.returncode == 0, again.stderr
    with engine.connect() as connection:
        latest = connection.execute(
            select(Run.run_id, Run.model_version, Run.state).order_by(Run.id.desc()).limit(1)
        ).one()
    engine.dispose()
    assert again.stdout == f"door: {latest.run_id} is queued.\n"
    assert (latest.model_version, latest.state) == (present, "queued")
    assert latest.run_id != file["run_id"]


def test_a_service_without_servers_names_the_settings_it_needs(installation: Installation) -> None:
    for name in ("worker", "ingest"):
        done = installation.run(name)
        assert_plain_failure(done)
        assert "MOODLINE_REDIS_URL" in done.stderr


def test_detach_cannot_be_combined_with_export(installation: Installation, one_face: Path) -> None:
    assert_plain_failure(installation.run("analyze", one_face, "--detach", "--export", "a.csv"))


def test_an_unknown_job_cannot_be_cancelled(installation: Installation) -> None:
    assert_plain_failure(installation.run("jobs", "cancel", "nothing"))


@pytest.mark.slow
def test_a_frozen_worker_that_wakes_is_fenced_out(
    served: Installation, installation: Installation, long_clip: Path, tmp_path: Path
) -> None:
    """The worker freezes before a commit and wakes after its lease has expired.

    Its two threads wake together: one finds that the lease has expired, the other that its commit
    is refused.
    """
    installation.analyze(long_clip)
    served.run("analyze", long_clip, "--detach")
    sleepy = Installation(
        served.home, {**served.env, "MOODLINE_FAILPOINT": "before-commit:3:freeze"}
    )
    with service(served, "ingest"):
        frozen = sleepy.start("worker")
        try:
            poll(lambda: psutil.Process(frozen.pid).status() == psutil.STATUS_STOPPED)
            before = frames_analyzed(served)
            assert before > 0
            with service(served, "worker"):
                watched = served.run("jobs", "watch")
                assert watched.returncode == 0, watched.stdout + watched.stderr
                assert frames_analyzed(served) == 315
                frozen.send_signal(signal.SIGCONT)
                log = [json.loads(frozen.stderr.readline())]
                while log[-1]["event"] != "run lost":
                    log.append(json.loads(frozen.stderr.readline()))
        finally:
            frozen.send_signal(signal.SIGCONT)
            frozen.send_signal(signal.SIGTERM)
            _, rest = frozen.communicate(timeout=TIMEOUT_S)

    assert re.search("another worker has its lease|taken by another worker", log[-1]["reason"])
    assert (frozen.returncode, log[-1]["source"]) == (0, "long.mp4"), rest
    pd.testing.assert_frame_equal(
        served.exported(tmp_path / "served.csv", "--frames"),
        installation.exported(tmp_path / "calm.csv", "--frames"),
    )


def test_status_and_health_of_running_services(
    served: Installation, long_clip: Path, three_faces: Path
) -> None:
    served.run("analyze", long_clip, "--detach")
    port = free_port()
    watched = Installation(
        served.home,
        {
            **served.env,
            "MOODLINE_HEALTH": f"127.0.0.1:{port}",
            "MOODLINE_FAILPOINT": "analysing:40:freeze",
            # It stays frozen while the commands run, however slow the machine.
            "MOODLINE_LEASE_S": "120",
            "MOODLINE_STALL_S": "3600",
        },
    )
    with service(served, "ingest"):
        worker = watched.start("worker")
        try:
            poll(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
            status = json.loads(served.run("status", "--json").stdout)
            drawn = served.run("status").stdout
            worker.send_signal(signal.SIGCONT)
            poll(lambda: "moodline_ready 1.0" in get(f"http://127.0.0.1:{port}/metrics"))
            metrics = get(f"http://127.0.0.1:{port}/metrics")
            ready = json.loads(get(f"http://127.0.0.1:{port}/readyz"))
            assert served.run("jobs", "watch").returncode == 0
        finally:
            worker.send_signal(signal.SIGCONT)
            worker.send_signal(signal.SIGTERM)
            worker.communicate(timeout=TIMEOUT_S)
    after = json.loads(served.run("status", "--json").stdout)

    (run,), (one,), (source,) = status["runs"], status["workers"], status["sources"]
    parts = {"sources", "runs", "workers", "services", "broker", "database", "gone", "health"}
    assert set(status) == parts
    assert (run["state"], run["source"], source["name"]) == ("running", "long.mp4", "long.mp4")
    assert run["lag"] > 0 and run["worker"] == one["id"]
    assert (one["pid"], one["device"], one["runs"]) == (worker.pid, "cpu", [run["run_id"]])
    assert status["broker"]["ok"] and status["broker"]["policy"] == "noeviction"
    assert status["database"]["ok"] and status["database"]["bytes"] > 0
    assert run["run_id"] in drawn and "Valkey" in drawn
    assert "moodline_worker_frames_total" in metrics and ready["ok"]
    assert (after["runs"], after["workers"]) == ([], [])


def test_a_shared_folder_may_have_another_path_on_each_host(
    served: Installation, one_face: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "day 1").mkdir(parents=True)
    (here / "day 1" / "a.mp4").write_bytes(one_face.read_bytes())
    queueing = Installation(served.home, {**served.env, "MOODLINE_SHARED_FOLDERS": f"nas={here}"})
    reading = Installation(served.home, {**served.env, "MOODLINE_SHARED_FOLDERS": f"nas={there}"})
    queued = json.loads(queueing.run("analyze", here, "--detach", "--json").stdout)["files"]
    here.rename(there)

    # A host without the folder does not take the run.
    served.run("analyze", one_face, "--detach", "--source", "door")
    with service(served, "worker"):
        with service(served, "ingest"):
            poll(lambda: states(served)["door"] == "done")
        assert queued[0]["run_id"] in served.run("jobs", "list").stdout
        with service(reading, "ingest"):
            assert served.run("jobs", "watch").returncode == 0

    runs = json.loads(served.run("runs", "list", "--json").stdout)["runs"]
    assert sorted((run["state"], run["frames_analyzed"]) for run in runs) == [("done", 60)] * 2
    assert "shared://nas/day%201/a.mp4" in {run["path"] for run in runs}


def test_a_worker_without_a_gpu_explains_what_is_missing(served: Installation) -> None:
    done = served.run("worker", "--device", "gpu")
    assert_plain_failure(done)
    assert "model.keras" in done.stderr


@pytest.mark.slow
def test_a_stuck_worker_ends_itself(served: Installation, one_face: Path) -> None:
    """It hangs in C and holds the interpreter's lock, so that no Python thread could end it."""
    stuck = Installation(
        served.home,
        {**served.env, "MOODLINE_STALL_S": "5", "PYTHONPATH": str(Path(__file__).parent / "stuck")},
    )
    served.run("analyze", one_face, "--detach")
    with service(served, "ingest"):
        worker = stuck.start("worker")
        _, err = worker.communicate(timeout=TIMEOUT_S)
    assert worker.returncode == 1
    assert "Timeout" in err and "in stuck" in err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        return str(answer.read().decode())
