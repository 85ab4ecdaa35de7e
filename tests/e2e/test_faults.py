"""Faults of one camera under `moodline up`: shown within ten seconds, recovered within ten.

The other source keeps its run and loses no frame.
"""

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from records.database import reading
from records.tables.runs import Run
from tests.cameras import (
    FaultProxy,
    Mode,
    http_server,
    jpeg,
    refusing_rtsp_camera,
    send_mjpeg,
)
from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack, assert_balanced
from tests.rtsp import RtspCamera

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WITHIN_S = 10.0
EFFECTIVE_S = 2.0


def seconds_until(condition: Callable[[], bool]) -> float:
    """Return the seconds until the condition is true."""
    begin_s = time.monotonic()
    poll(condition)
    return time.monotonic() - begin_s


@dataclass
class Site:
    """A stack with two cameras: `door`, behind a FaultProxy, and `hall`."""

    stack: LiveStack
    camera: RtspCamera
    proxy: FaultProxy
    clip: str
    is_larger: threading.Event = field(default_factory=threading.Event)
    http_port: int = 0

    @property
    def door(self) -> str:
        return self.camera.url(self.clip).replace(f":{self.camera.port}/", f":{self.proxy.port}/")

    def status(self, name: str = "door") -> dict[str, Any]:
        return self.stack.statuses()[name]

    def is_calm(self) -> bool:
        """Whether the worker keeps up. At its start it has to load the model."""
        before = self.status("hall")["dropped"]
        progressed = all(self.stack.makes_progress("door", "hall") for _ in range(3))
        return progressed and self.status("hall")["dropped"] == before

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        # Two levels, as of a sensor with noise: a repeated picture would be a frozen source.
        small = [jpeg((64, 48), level) for level in (60, 61)]
        large = [jpeg((128, 96), level) for level in (160, 161)]
        changes = handler.path == "/door"
        pictures = (
            (large if changes and self.is_larger.is_set() else small)[number % 2]
            for number in itertools.count()
        )
        send_mjpeg(handler, pictures, 0.04)

    @contextmanager
    def elsewhere(self, uri: str) -> Iterator[None]:
        """Give `door` another address within the context."""
        self.stack.edit("door", uri, 5.0)
        yield
        self.stack.edit("door", self.door, 5.0)


@pytest.fixture(scope="module")
def site(long_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("faults")
    stack = LiveStack(Installation(folder / "home"), folder / "up.log")
    with ExitStack() as context:
        camera = context.enter_context(RtspCamera(long_clip.parent, folder / "rtsp.log"))
        proxy = context.enter_context(FaultProxy(camera.port))
        one = Site(stack, camera, proxy, long_clip.name)
        one.http_port = context.enter_context(http_server(one.serve))
        context.enter_context(stack)
        stack.add("hall", f"http://127.0.0.1:{one.http_port}/hall", fps=1.0)
        stack.add("door", one.door)
        poll(one.is_calm)
        yield one
    assert_balanced(stack)


@contextmanager
def killed(site: Site) -> Iterator[None]:
    site.camera.kill()
    yield
    site.camera.start()


@contextmanager
def frozen(site: Site) -> Iterator[None]:
    site.camera.signal(signal.SIGSTOP)
    yield
    site.camera.signal(signal.SIGCONT)


@contextmanager
def silent(site: Site) -> Iterator[None]:
    site.proxy.set(Mode.HOLD)
    yield
    site.proxy.set(Mode.PASS)


@contextmanager
def refused(site: Site) -> Iterator[None]:
    with (
        refusing_rtsp_camera() as port,
        site.elsewhere(f"rtsp://me:s3cret@127.0.0.1:{port}/live"),
    ):
        yield


@contextmanager
def wrong_path(site: Site) -> Iterator[None]:
    with site.elsewhere(site.camera.url("nothing.mp4")):
        yield


@contextmanager
def unknown_name(site: Site) -> Iterator[None]:
    with site.elsewhere("rtsp://camera.invalid/live"):
        yield


@pytest.mark.parametrize(
    ("fault", "states", "reason"),
    [
        (killed, {"backing_off"}, "127.0.0.1"),
        (frozen, {"stalled", "backing_off"}, ""),
        (silent, {"stalled", "backing_off"}, ""),
        (refused, {"failed"}, "password"),
        (wrong_path, {"backing_off"}, "path"),
        (unknown_name, {"backing_off"}, "camera.invalid"),
    ],
)
def test_a_fault_is_shown_and_recovered_without_loss_at_the_other_source(
    site: Site, fault: Callable[[Site], Any], states: set[str], reason: str
) -> None:
    before = site.status("hall")
    with fault(site):
        shown_s = seconds_until(
            lambda: (
                (status := site.status())["state"] in states
                and bool(status["reason"])
                and reason in status["reason"]
            )
        )
        assert "s3cret" not in site.status()["reason"]
    back_s = seconds_until(lambda: site.status()["state"] == "streaming")
    print(f"{fault.__name__}: shown after {shown_s:.1f} s, back after {back_s:.1f} s")
    assert shown_s < WITHIN_S and back_s < WITHIN_S
    poll(lambda: site.stack.makes_progress("door", "hall"))
    after = site.status("hall")
    assert (after["run_id"], after["dropped"]) == (before["run_id"], before["dropped"])


def test_spoiled_packets_are_counted_as_corrupt(site: Site) -> None:
    before = site.status("hall")

    def corrupt() -> int:
        return int(site.status()["dropped"].get("corrupt", 0))

    begin = corrupt()
    site.proxy.set(Mode.SPOIL)
    counted_s = seconds_until(lambda: corrupt() > begin)
    site.proxy.set(Mode.PASS)
    back_s = seconds_until(lambda: site.status()["state"] == "streaming")
    assert counted_s < 2 * WITHIN_S and back_s < WITHIN_S
    poll(lambda: site.stack.makes_progress("door", "hall"))
    after = site.status("hall")
    assert (after["run_id"], after["dropped"]) == (before["run_id"], before["dropped"])


def test_a_change_of_resolution_continues_the_run(site: Site) -> None:
    before = site.status()["run_id"]
    with site.elsewhere(f"http://127.0.0.1:{site.http_port}/door"):
        poll(
            lambda: (
                site.status()["run_id"] not in ("", before) and site.stack.makes_progress("door")
            )
        )
        run_id = site.status()["run_id"]

        def width() -> int | None:
            with reading(site.stack.engine) as connection:
                query = select(Run.display_width).where(Run.run_id == run_id)
                return connection.execute(query).scalar()

        poll(lambda: width() == 64)
        site.is_larger.set()
        assert seconds_until(lambda: width() == 128) < WITHIN_S
        poll(lambda: site.stack.makes_progress("door"))
        assert (site.status()["run_id"], site.status()["state"]) == (run_id, "streaming")
    poll(lambda: site.stack.makes_progress("door"))


def test_changes_of_sources_take_effect_within_two_seconds(site: Site) -> None:
    """Measured until a source is read or not read any more, without the camera's own delay."""
    stack, url = site.stack, site.camera.url(site.clip)
    names = [f"more-{number}" for number in range(4)]
    for name in names:
        stack.add(name, url)
    poll(lambda: stack.makes_progress(*names))
    before = site.status("hall")
    spent: dict[str, float] = {}

    def do(what: str, act: Callable[[], None], effective: Callable[[], bool]) -> None:
        act()
        spent[what] = round(seconds_until(effective), 2)

    do("add", lambda: stack.add("late", url), lambda: "late" in stack.sources_read())
    print(f"first picture {seconds_until(lambda: stack.state('late') == 'streaming'):.1f} s later")
    do("pause", lambda: stack.pause("late", paused=True), lambda: stack.state("late") == "paused")
    do("resume", lambda: stack.pause("late", paused=False), lambda: "late" in stack.sources_read())
    poll(lambda: stack.state("late") == "streaming")
    do(
        "edit",
        lambda: stack.edit("late", "rtsp://127.0.0.1:9/nothing", 5.0),
        lambda: stack.state("late") != "streaming",
    )
    poll(lambda: stack.state("late") == "backing_off")
    do("remove", lambda: stack.remove("late"), lambda: "late" not in stack.sources_read())
    print(spent)
    for name in names:
        stack.remove(name)
    assert max(spent.values()) < EFFECTIVE_S, spent
    after = site.status("hall")
    assert (after["run_id"], after["dropped"]) == (before["run_id"], before["dropped"])


def test_a_hanging_supervisor_is_shown_as_dead(site: Site) -> None:
    assert site.stack.process is not None
    site.stack.process.send_signal(signal.SIGSTOP)
    try:
        assert seconds_until(lambda: site.status("hall")["state"] == "dead") < WITHIN_S
    finally:
        site.stack.process.send_signal(signal.SIGCONT)
    poll(lambda: site.stack.makes_progress("door", "hall"))
