"""What goes wrong with one camera under `moodline up`: said within ten seconds, over within ten.

Its neighbour, all the while: the same run, and not a frame lost.
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


def took(holds: Callable[[], bool]) -> float:
    """How long until it holds, in seconds."""
    begin_s = time.monotonic()
    poll(holds)
    return time.monotonic() - begin_s


@dataclass
class Place:
    """A stack with two cameras: `door`, behind a proxy that can spoil it, and `hall`."""

    stack: LiveStack
    camera: RtspCamera
    proxy: FaultProxy
    clip: str
    larger: threading.Event = field(default_factory=threading.Event)
    http_port: int = 0

    @property
    def door(self) -> str:
        return self.camera.url(self.clip).replace(f":{self.camera.port}/", f":{self.proxy.port}/")

    def told(self, name: str = "door") -> dict[str, Any]:
        return self.stack.statuses()[name]

    def is_calm(self) -> bool:
        """Whether the worker keeps up: at its start it has a model to load."""
        before = self.told("hall")["dropped"]
        went_on = all(self.stack.makes_progress("door", "hall") for _ in range(3))
        return went_on and self.told("hall")["dropped"] == before

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        small, large = jpeg((64, 48), 60), jpeg((128, 96), 160)
        changes = handler.path == "/door"
        pictures = (large if changes and self.larger.is_set() else small for _ in itertools.count())
        send_mjpeg(handler, pictures, 0.04)

    @contextmanager
    def elsewhere(self, uri: str) -> Iterator[None]:
        """Its owner gives it another address, and then the right one."""
        self.stack.edit("door", uri, 5.0)
        yield
        self.stack.edit("door", self.door, 5.0)


@pytest.fixture(scope="module")
def place(long_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("faults")
    stack = LiveStack(Installation(folder / "home"), folder / "up.log")
    with ExitStack() as all_of_it:
        camera = all_of_it.enter_context(RtspCamera(long_clip.parent, folder / "rtsp.log"))
        proxy = all_of_it.enter_context(FaultProxy(camera.port))
        one = Place(stack, camera, proxy, long_clip.name)
        one.http_port = all_of_it.enter_context(http_server(one.serve))
        all_of_it.enter_context(stack)
        stack.add("hall", f"http://127.0.0.1:{one.http_port}/hall", fps=1.0)
        stack.add("door", one.door)
        poll(one.is_calm)
        yield one
    assert_balanced(stack)


@contextmanager
def killed(place: Place) -> Iterator[None]:
    place.camera.kill()
    yield
    place.camera.start()


@contextmanager
def frozen(place: Place) -> Iterator[None]:
    place.camera.signal(signal.SIGSTOP)
    yield
    place.camera.signal(signal.SIGCONT)


@contextmanager
def silent(place: Place) -> Iterator[None]:
    place.proxy.set(Mode.HOLD)
    yield
    place.proxy.set(Mode.PASS)


@contextmanager
def refused(place: Place) -> Iterator[None]:
    with (
        refusing_rtsp_camera() as port,
        place.elsewhere(f"rtsp://me:s3cret@127.0.0.1:{port}/live"),
    ):
        yield


@contextmanager
def wrong_path(place: Place) -> Iterator[None]:
    with place.elsewhere(place.camera.url("nothing.mp4")):
        yield


@contextmanager
def unknown_name(place: Place) -> Iterator[None]:
    with place.elsewhere("rtsp://camera.invalid/live"):
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
def test_a_fault_is_said_and_over_and_its_neighbour_loses_nothing(
    place: Place, fault: Callable[[Place], Any], states: set[str], reason: str
) -> None:
    before = place.told("hall")
    with fault(place):
        said_s = took(
            lambda: (
                (told := place.told())["state"] in states
                and bool(told["reason"])
                and reason in told["reason"]
            )
        )
        assert "s3cret" not in place.told()["reason"]
    back_s = took(lambda: place.told()["state"] == "streaming")
    print(f"{fault.__name__}: said after {said_s:.1f} s, back after {back_s:.1f} s")
    assert said_s < WITHIN_S and back_s < WITHIN_S
    poll(lambda: place.stack.makes_progress("door", "hall"))
    after = place.told("hall")
    assert (after["run_id"], after["dropped"]) == (before["run_id"], before["dropped"])


def test_spoiled_packets_are_counted_as_corrupt(place: Place) -> None:
    before = place.told("hall")

    def corrupt() -> int:
        return int(place.told()["dropped"].get("corrupt", 0))

    begin = corrupt()
    place.proxy.set(Mode.SPOIL)
    counted_s = took(lambda: corrupt() > begin)
    place.proxy.set(Mode.PASS)
    back_s = took(lambda: place.told()["state"] == "streaming")
    assert counted_s < 2 * WITHIN_S and back_s < WITHIN_S
    poll(lambda: place.stack.makes_progress("door", "hall"))
    after = place.told("hall")
    assert (after["run_id"], after["dropped"]) == (before["run_id"], before["dropped"])


def test_a_change_of_resolution_in_mid_stream_stays_in_the_run(place: Place) -> None:
    before = place.told()["run_id"]
    with place.elsewhere(f"http://127.0.0.1:{place.http_port}/door"):
        poll(
            lambda: (
                place.told()["run_id"] not in ("", before) and place.stack.makes_progress("door")
            )
        )
        run_id = place.told()["run_id"]

        def width() -> int | None:
            with reading(place.stack.engine) as connection:
                query = select(Run.display_width).where(Run.run_id == run_id)
                return connection.execute(query).scalar()

        poll(lambda: width() == 64)
        place.larger.set()
        assert took(lambda: width() == 128) < WITHIN_S
        poll(lambda: place.stack.makes_progress("door"))
        assert (place.told()["run_id"], place.told()["state"]) == (run_id, "streaming")
    poll(lambda: place.stack.makes_progress("door"))


def test_what_its_owner_does_under_load_is_effective_within_two_seconds(place: Place) -> None:
    """Until it is read, or not read any more; how long a camera takes to answer is its own."""
    stack, url = place.stack, place.camera.url(place.clip)
    names = [f"more-{number}" for number in range(4)]
    for name in names:
        stack.add(name, url)
    poll(lambda: stack.makes_progress(*names))
    before = place.told("hall")
    spent: dict[str, float] = {}

    def do(what: str, act: Callable[[], None], effective: Callable[[], bool]) -> None:
        act()
        spent[what] = round(took(effective), 2)

    do("add", lambda: stack.add("late", url), lambda: "late" in stack.sources_read())
    print(f"first picture {took(lambda: stack.state('late') == 'streaming'):.1f} s later")
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
    after = place.told("hall")
    assert (after["run_id"], after["dropped"]) == (before["run_id"], before["dropped"])


def test_a_supervisor_that_hangs_reads_as_dead(place: Place) -> None:
    assert place.stack.process is not None
    place.stack.process.send_signal(signal.SIGSTOP)
    try:
        assert took(lambda: place.told("hall")["state"] == "dead") < WITHIN_S
    finally:
        place.stack.process.send_signal(signal.SIGCONT)
    poll(lambda: place.stack.makes_progress("door", "hall"))
