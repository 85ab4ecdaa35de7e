"""`moodline up` with real RTSP cameras: sources that change, and processes that are killed.

Tests of a healthy system share one `up`, with different sources. Tests that kill processes start
their own.
"""

import json
import signal
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from analytics.history.totals import totals
from analytics.snapshots import in_snapshot
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.stack.running_stack import running_broker
from records.tables.sources import SourceInterval
from tests.e2e.commands import TIMEOUT_S, Installation, assert_plain_failure, poll
from tests.e2e.live_stack import LiveStack, assert_balanced, signal_process
from tests.rtsp import RtspCamera, free_ports


@pytest.fixture(scope="module")
def camera(long_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspCamera]:
    with RtspCamera(long_clip.parent, tmp_path_factory.mktemp("rtsp") / "rtsp.log") as one:
        yield one


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """One `moodline up` with a dashboard. After it stops, every frame must be accounted for."""
    folder = tmp_path_factory.mktemp("up")
    (port,) = free_ports(1)
    stack = LiveStack(Installation(folder / "home"), folder / "up.log", port=port)
    with stack:
        yield stack
    assert stack.all_runs_done(), "the frames that were published last were not committed"
    assert assert_balanced(stack)["broker_lost"] == 0


@pytest.fixture(autouse=True)
def removed_sources(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove the sources of a test from the shared `up`, which would analyse them on."""
    yield
    if "up" in request.fixturenames:
        shared: LiveStack = request.getfixturevalue("up")
        for name in shared.statuses():
            shared.remove(name)


@pytest.fixture
def stack(installation: Installation, tmp_path: Path) -> LiveStack:
    """A `moodline up` of the test's own, not started."""
    return LiveStack(installation, tmp_path / "up.log")


def test_sources_are_added_paused_edited_and_removed_while_up_runs(
    up: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    url = camera.url(long_clip.name)
    up.add("door", url)
    poll(lambda: up.makes_progress("door"))
    first = up.statuses()["door"]["run_id"]

    up.add("hall", url, fps=3.0)
    poll(lambda: up.makes_progress("hall"))
    up.pause("hall", paused=True)
    poll(lambda: up.state("hall") == "paused")
    up.pause("hall", paused=False)
    poll(lambda: up.makes_progress("hall"))
    up.edit("hall", "rtsp://127.0.0.1:9/nothing", 3.0)
    poll(lambda: up.state("hall") == "backing_off")
    assert "127.0.0.1:9" in up.statuses()["hall"]["reason"]
    up.remove("hall")
    poll(lambda: "hall" not in up.statuses())

    assert up.statuses()["door"]["run_id"] == first, "the other source was disturbed"
    poll(lambda: up.makes_progress("door"))
    assert up.status_offline("door")["state"] == "dead", "without a heartbeat a source is dead"


def test_watch_shows_a_source_that_up_reads(
    up: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    up.add("watched", camera.url(long_clip.name))
    poll(lambda: up.makes_progress("watched"))

    shown = up.installation.run("watch", "watched", "--seconds", "3", "--json")

    found = json.loads(shown.stdout)
    assert found["views"] > 2 and found["state"] == "streaming"
    assert found["captured"] == (
        found["analyzed"] + found["sampled_out"] + sum(found["dropped"].values())
    )


def test_a_second_up_of_the_same_home_is_refused(up: LiveStack) -> None:
    assert_plain_failure(up.installation.run("up"))


def test_a_file_is_played_once_as_if_it_were_live(up: LiveStack, one_face: Path) -> None:
    up.add("clip", str(one_face), fps=100.0)

    poll(lambda: up.state("clip") == "paused")

    assert "over" in up.statuses()["clip"]["reason"]
    # On a busy machine a newer frame may replace an older one; each is counted once.
    poll(lambda: accounted_frames(up, "clip") == 60)
    assert up.statuses()["clip"]["captured"] == 60


def test_rollups_grow_and_the_dashboard_answers(
    up: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    def rolled_up_s() -> float:
        since = utc_now() - timedelta(minutes=30)
        found = in_snapshot(
            up.engine, totals, since, utc_now() + timedelta(minutes=1), sources=["history"]
        )
        return sum(one.now.analyzed_s for one in found if one.now.up_s)

    up.add("history", camera.url(long_clip.name))
    poll(lambda: rolled_up_s() > 1)

    poll(lambda: answer(up.address + "healthz") == "ok")
    assert "moodline" in answer(up.address)
    listed = json.loads(up.installation.run("schedule", "list", "--json").stdout)["jobs"]
    (rollups,) = [job for job in listed if job["job"] == "rollups"]
    assert rollups["result"] and not rollups["error"]
    shown = up.installation.run("trends", "--source", "history", "--last", "1h", "--json")
    assert json.loads(shown.stdout)["totals"][0]["now"]["analyzed_s"] > 1


def test_a_scheduler_that_dies_is_started_again(up: LiveStack) -> None:
    poll(lambda: bool(up.processes_with("scheduler")))
    scheduler = up.processes_with("scheduler")[0]

    scheduler.kill()

    poll(lambda: any(one.pid != scheduler.pid for one in up.processes_with("scheduler")))


def test_a_camera_password_is_stored_encrypted_and_shown_nowhere(
    up: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    url = camera.url(long_clip.name, credentials="me:s3cret-word@")
    run = up.installation.run
    added = run("source", "add", "front", url, "--tag", "front")
    assert added.returncode == 0, added.stderr
    poll(lambda: up.makes_progress("front"))

    outputs = [added.stdout + added.stderr]
    for command in (("list",), ("show", "front"), ("show", "front", "--json"), ("test", "front")):
        done = run("source", *command)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout + done.stderr)
    outputs.append(run("status", "--json").stdout)
    outputs += [" ".join(one.cmdline()) for one in up.processes()]
    edited = run("source", "edit", "front", "--fps", "2")
    assert edited.returncode == 0, edited.stderr
    poll(lambda: up.makes_progress("front"))
    outputs.append(up.log.read_text())

    assert not any("s3cret-word" in text for text in outputs)
    for file in up.installation.home.rglob("*"):
        if file.is_file():
            assert b"s3cret-word" not in file.read_bytes(), file


def accounted_frames(up: LiveStack, source: str) -> int:
    """The frames of the source's latest run that were analysed or dropped."""
    status = up.statuses()[source]
    return int(status["analyzed"]) + sum(status["dropped"].values())


def answer(url: str) -> str:
    """The body of the answer; "" while there is none."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        return ""


@pytest.mark.slow
def test_killed_processes_restart_and_every_frame_is_counted(
    stack: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    url = camera.url(long_clip.name)
    with stack:
        for name in ("door", "hall"):
            stack.add(name, url)
        poll(lambda: stack.makes_progress("door", "hall"))
        kept = stack.statuses()["hall"]["run_id"]

        signal_process(stack.reader_pid("door"), signal.SIGKILL)
        poll(lambda: stack.statuses()["door"]["state"] == "backing_off")
        assert "signal 9" in stack.statuses()["door"]["reason"]
        poll(lambda: stack.makes_progress("door"))
        assert stack.statuses()["hall"]["run_id"] == kept

        for worker in stack.live_workers():
            signal_process(worker.pid, signal.SIGKILL)
        poll(lambda: stack.makes_progress("door", "hall"))

        (broker,) = [one for one in stack.processes() if "valkey" in one.name()]
        broker.kill()
        poll(lambda: stack.state("door") == "streaming")
        poll(lambda: stack.makes_progress("door", "hall"))
        assert stack.statuses()["hall"]["run_id"] == kept

        stack.kill()
        stack.start()
        poll(lambda: stack.makes_progress("door", "hall"))
        assert stack.statuses()["hall"]["run_id"] != kept
    assert stack.all_runs_done()
    assert_balanced(stack)


@pytest.mark.slow
def test_a_frozen_camera_shows_its_reason_and_recovers(
    stack: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    with stack:
        stack.add("door", camera.url(long_clip.name))
        poll(lambda: stack.makes_progress("door"))
        camera.signal(signal.SIGSTOP)
        poll(lambda: stack.state("door") in ("stalled", "backing_off"))
        assert stack.statuses()["door"]["reason"]
        camera.signal(signal.SIGCONT)
        poll(lambda: stack.makes_progress("door"))
        with stack.engine.connect() as connection:
            poll(lambda: len(connection.execute(select(SourceInterval.state)).all()) >= 3)
    assert_balanced(stack)


def test_down_stops_up_in_order(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "home")
    assert "is not running" in installation.run("down").stdout
    process = installation.start("up", "--workers", "1", "--port", "0")
    try:
        poll(lambda: bool(running_broker(Settings(home=installation.home))))
        down = installation.run("down")
        _, log = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()

    assert (down.returncode, down.stdout) == (0, "moodline has stopped.\n"), down.stderr
    assert process.returncode == 0 and "Traceback" not in log, log
