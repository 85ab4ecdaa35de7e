"""`moodline up` with real RTSP cameras: added, changed, killed, and found again."""

import json
import signal
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from analytics.history.trends import totals
from contracts.times import utc_now
from records.tables.sources import SourceInterval
from tests.e2e.commands import Installation, assert_plain_failure, poll
from tests.e2e.live_stack import LiveStack, assert_balanced, signal_process
from tests.rtsp import RtspCamera, free_ports


@pytest.fixture
def camera(long_clip: Path, tmp_path: Path) -> Iterator[RtspCamera]:
    with RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as one:
        yield one


@pytest.fixture
def stack(installation: Installation, tmp_path: Path) -> LiveStack:
    return LiveStack(installation, tmp_path / "up.log")


def test_sources_come_and_go_while_it_runs(
    stack: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    url = camera.url(long_clip.name)
    with stack:
        stack.add("door", url)
        poll(lambda: stack.state("door") == "streaming")
        poll(lambda: stack.streams("door"))
        first = stack.told()["door"]["run_id"]

        stack.add("hall", url, fps=3.0)
        poll(lambda: stack.streams("hall"))
        stack.pause("hall", paused=True)
        poll(lambda: stack.state("hall") == "paused")
        stack.pause("hall", paused=False)
        poll(lambda: stack.streams("hall"))
        stack.edit("hall", "rtsp://127.0.0.1:9/nothing", 3.0)
        poll(lambda: stack.state("hall") == "backing_off")
        assert "127.0.0.1:9" in stack.told()["hall"]["reason"]
        stack.remove("hall")
        poll(lambda: "hall" not in stack.told())

        assert stack.told()["door"]["run_id"] == first, "the other source was not disturbed"
        poll(lambda: stack.streams("door"))

        shown = stack.installation.run("watch", "door", "--seconds", "3", "--json")
        found = json.loads(shown.stdout)
        assert found["views"] > 2 and found["state"] == "streaming"
        assert found["captured"] == (
            found["analyzed"] + found["sampled_out"] + sum(found["dropped"].values())
        )
        assert_plain_failure(stack.installation.run("up"))
    assert stack.settled(), "what was published last was committed"
    totals = assert_balanced(stack)
    assert totals["analyzed"] > 20 and totals["broker_lost"] == 0
    assert stack.told_offline("door")["state"] == "dead"


@pytest.mark.slow
def test_whatever_is_killed_is_started_again_and_every_frame_is_counted(
    stack: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    url = camera.url(long_clip.name)
    with stack:
        for name in ("door", "hall"):
            stack.add(name, url)
        poll(lambda: stack.streams("door", "hall"))
        kept = stack.told()["hall"]["run_id"]

        signal_process(stack.pid_of("door"), signal.SIGKILL)
        poll(lambda: stack.told()["door"]["state"] == "backing_off")
        assert "signal 9" in stack.told()["door"]["reason"]
        poll(lambda: stack.streams("door"))
        assert stack.told()["hall"]["run_id"] == kept

        for worker in stack.workers_told():
            signal_process(worker.pid, signal.SIGKILL)
        poll(lambda: stack.streams("door", "hall"))

        (broker,) = [one for one in stack.family() if "valkey" in one.name()]
        broker.kill()
        poll(lambda: stack.state("door") == "streaming")
        poll(lambda: stack.streams("door", "hall"))
        assert stack.told()["hall"]["run_id"] == kept

        stack.kill()
        stack.start()
        poll(lambda: stack.streams("door", "hall"))
        assert stack.told()["hall"]["run_id"] != kept
    assert stack.settled()
    assert_balanced(stack)


@pytest.mark.slow
def test_a_camera_that_freezes_says_so_and_comes_back(
    stack: LiveStack, camera: RtspCamera, long_clip: Path
) -> None:
    with stack:
        stack.add("door", camera.url(long_clip.name))
        poll(lambda: stack.streams("door"))
        camera.signal(signal.SIGSTOP)
        poll(lambda: stack.state("door") in ("stalled", "backing_off"))
        assert stack.told()["door"]["reason"]
        camera.signal(signal.SIGCONT)
        poll(lambda: stack.streams("door"))
        with stack.engine.connect() as connection:
            poll(lambda: len(connection.execute(select(SourceInterval.state)).all()) >= 3)
    assert_balanced(stack)


def test_a_file_is_played_live_once_and_says_that_it_is_over(
    stack: LiveStack, one_face: Path
) -> None:
    with stack:
        stack.add("clip", str(one_face), fps=100.0)
        poll(lambda: stack.state("clip") == "paused")
        assert "over" in stack.told()["clip"]["reason"]
        poll(stack.settled)
        assert stack.told()["clip"]["captured"] == 60
    assert_balanced(stack)


def test_history_grows_by_itself_and_its_page_answers(
    installation: Installation, camera: RtspCamera, long_clip: Path, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    stack = LiveStack(installation, tmp_path / "up.log", port=port)
    page = f"http://127.0.0.1:{port}"

    def answers(path: str) -> str:
        try:
            with urllib.request.urlopen(page + path, timeout=5) as response:
                return str(response.read().decode())
        except OSError:
            return ""

    def folded() -> float:
        since = utc_now() - timedelta(minutes=30)
        found = totals(stack.engine, since, utc_now() + timedelta(minutes=1))
        return sum(one.now.analyzed_s for one in found if one.now.up_s)

    with stack:
        stack.add("door", camera.url(long_clip.name))
        poll(lambda: folded() > 1)
        poll(lambda: answers("/healthz") == "ok")
        assert "moodline" in answers("/")
        listed = json.loads(installation.run("schedule", "list", "--json").stdout)["jobs"]
        (rollups,) = [job for job in listed if job["job"] == "rollups"]
        assert "folded" in rollups["result"] and not rollups["error"]
        scheduler = next(one for one in stack.family() if "scheduler" in one.cmdline())
        scheduler.kill()
        poll(
            lambda: any("scheduler" in one.cmdline() for one in stack.family() if one != scheduler)
        )
        shown = installation.run("trends", "--last", "1h", "--json")
        assert json.loads(shown.stdout)["totals"][0]["now"]["analyzed_s"] > 1


def test_a_password_is_nowhere_but_sealed(
    installation: Installation, camera: RtspCamera, long_clip: Path, tmp_path: Path
) -> None:
    stack = LiveStack(installation, tmp_path / "up.log")
    url = camera.url(long_clip.name, credentials="me:s3cret-word@")
    with stack:
        added = installation.run("source", "add", "door", url, "--tag", "front")
        assert added.returncode == 0, added.stderr
        poll(lambda: stack.streams("door"))
        outputs = [added.stdout + added.stderr]
        for command in (("list",), ("show", "door"), ("show", "door", "--json"), ("test", "door")):
            done = installation.run("source", *command)
            assert done.returncode == 0, done.stderr
            outputs.append(done.stdout + done.stderr)
        outputs.append(installation.run("status", "--json").stdout)
        lines = [" ".join(one.cmdline()) for one in stack.family()]
        edited = installation.run("source", "edit", "door", "--fps", "2")
        assert edited.returncode == 0, edited.stderr
        poll(lambda: stack.streams("door"))
    outputs += [stack.log.read_text(), *lines]
    assert not any("s3cret-word" in text for text in outputs)
    for file in installation.home.rglob("*"):
        if file.is_file():
            assert b"s3cret-word" not in file.read_bytes(), file
