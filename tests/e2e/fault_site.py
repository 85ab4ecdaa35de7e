"""Site: `moodline up` with two cameras, one of which has a fault, and the faults of cameras."""

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

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

    def undisturbed(self, name: str = "hall") -> tuple[str, dict[str, int]]:
        """The source's run and lost frames, without those that a busy machine had no time for."""
        status = self.status(name)
        lost = {cause: count for cause, count in status["dropped"].items() if cause != "newest"}
        return str(status["run_id"]), lost

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


@contextmanager
def running_site(clip: Path, folder: Path) -> Iterator[Site]:
    """Run the site until its worker keeps up. Afterwards every frame must be counted."""
    stack = LiveStack(Installation(folder / "home"), folder / "up.log")
    with ExitStack() as context:
        camera = context.enter_context(RtspCamera(clip.parent, folder / "rtsp.log"))
        proxy = context.enter_context(FaultProxy(camera.port))
        one = Site(stack, camera, proxy, clip.name)
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


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the camera `door`. states, reason: what its status shows meanwhile."""

    make: Callable[[Site], AbstractContextManager[None]]
    states: frozenset[str]
    reason: str = ""

    def is_shown(self, site: Site) -> bool:
        """Whether the status of `door` shows it, with its reason."""
        status = site.status()
        shown = str(status["reason"])
        return status["state"] in self.states and bool(shown) and self.reason in shown


_WAITS = frozenset({"stalled", "backing_off"})
FAULTS = {
    "killed": Fault(killed, frozenset({"backing_off"}), "127.0.0.1"),
    "frozen": Fault(frozen, _WAITS),
    "silent": Fault(silent, _WAITS),
    "refused": Fault(refused, frozenset({"failed"}), "password"),
    "wrong path": Fault(wrong_path, frozenset({"backing_off"}), "path"),
    "unknown name": Fault(unknown_name, frozenset({"backing_off"}), "camera.invalid"),
}


@contextmanager
def four_more(site: Site) -> Iterator[None]:
    """Let the site read four more cameras."""
    names = [f"more-{number}" for number in range(4)]
    for name in names:
        site.stack.add(name, site.camera.url(site.clip))
    poll(lambda: site.stack.makes_progress(*names))
    yield
    for name in names:
        site.stack.remove(name)


def change_a_source(site: Site) -> dict[str, float]:
    """Add, pause, resume, edit and remove a source; return the seconds until each takes effect.

    Measured until the source is read, or not read any more, without the camera's own delay.
    """
    stack, spent = site.stack, dict[str, float]()

    def do(what: str, act: Callable[[], None], effective: Callable[[], bool]) -> None:
        act()
        spent[what] = round(seconds_until(effective), 2)

    do(
        "add",
        lambda: stack.add("late", site.camera.url(site.clip)),
        lambda: "late" in stack.sources_read(),
    )
    poll(lambda: stack.state("late") == "streaming")
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
    return spent
