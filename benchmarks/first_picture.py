"""Time until a new RTSP camera is seen: from `source add` to its picture in the events of Now.

The camera is a real RTSP server. It, `moodline up` and its dashboard share this machine.
"""

import json
import os
import statistics
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.results import Verdict, write_result
from benchmarks.rtsp_cameras import render_clip
from broker.bus import Bus
from broker.live_view import SourceView
from records.broker_key import read_broker_key
from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack
from tests.rtsp import RtspCamera, free_ports

CAMERAS: Final = int(os.environ.get("BENCH_CAMERAS", "10"))
LATEST_S: Final = 2.0
_POLL_S: Final = 0.01
_SETTLE_S: Final = 3.0


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Add ten cameras one after the other (BENCH_CAMERAS), each once the one before is removed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = clip or render_clip(folder)
        (port,) = free_ports(1)
        stack = LiveStack(Installation(folder / "home"), folder / "up.log", port=port)
        with RtspCamera(recording.parent, folder / "rtsp.log") as camera, stack:
            stack.wait_for_dashboard()
            poll(lambda: len(stack.live_workers()) == 1)
            times = [
                _seconds(stack, f"camera{number}", camera.url(recording.name))
                for number in range(CAMERAS)
            ]
    stages = {stage: [one[stage] for one in times] for stage in times[0]}
    for stage, found in stages.items():
        console.print(
            f"{stage}: median {statistics.median(found):.2f} s, {max(found):.2f} s at most"
        )
    median_s, latest_s = statistics.median(stages["shown"]), max(stages["shown"])
    verdict = Verdict(
        f"a new camera is seen on Now after {median_s:.2f} s (median of {CAMERAS}; at most "
        f"{latest_s:.2f} s; target: under {LATEST_S:.0f} s)",
        median_s < LATEST_S,
    )
    write_result("first-picture", {"load": os.getloadavg()[0], "seconds": stages}, [verdict])
    return [verdict]


def _seconds(stack: LiveStack, name: str, uri: str) -> dict[str, float]:
    """Add a camera, and remove it once it is seen. Return the seconds to each stage.

    published: the first picture is in the broker. shown: it is in the event stream of Now.
    """
    shown = threading.Event()
    watching = threading.Event()
    viewer = threading.Thread(
        target=_watch, args=(stack.address, name, watching, shown), daemon=True
    )
    viewer.start()
    watching.wait(30)
    bus = Bus.connect(stack.broker, read_broker_key(stack.engine))
    begin_s = time.monotonic()
    stack.add(name, uri)
    while SourceView.newest(bus, name) is None:
        time.sleep(_POLL_S)
    published_s = time.monotonic() - begin_s
    shown.wait(30)
    shown_s = time.monotonic() - begin_s
    bus.close()
    stack.remove(name)
    time.sleep(_SETTLE_S)
    return {"published": published_s, "shown": shown_s}


def _watch(address: str, source: str, watching: threading.Event, shown: threading.Event) -> None:
    """Read the events of Now until one has a picture of the source."""
    with urllib.request.urlopen(f"{address}api/now/events", timeout=60) as answer:
        kind = ""
        for raw in answer:
            line = raw.decode()
            watching.set()
            if line.startswith("event:"):
                kind = line.removeprefix("event:").strip()
            elif line.startswith("data:") and kind == "picture" and _name(line) == source:
                shown.set()
                return


def _name(line: str) -> str:
    return str(json.loads(line.removeprefix("data:"))["name"])
