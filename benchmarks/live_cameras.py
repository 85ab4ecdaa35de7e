"""Eight RTSP cameras, 640x360 at 25 frames a second, analysed at 5: how late, and how many.

The cameras are a real server that repacketises one rendered clip. All runs on this machine: the
server, `moodline up`, its source processes and its workers. What memory does in ten minutes is
for the slow lane of the tests.
"""

import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import psutil
from rich.console import Console
from rich.progress import track

from benchmarks.results import Verdict, write_result
from moodline.scenes import render, scenes
from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack, assert_balanced
from tests.rtsp import RtspCamera

CAMERAS = 8
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "120"))
WARM_UP_S = 30
LATEST_P95_S = 1.0
LARGEST_GROWTH_S = 0.1
LEAST_FPS = 4.5

_RATE = 25
_LOOK_S = 5


@dataclass
class Round:
    """One round's readings. p95_s, rss: one a look, over five seconds each."""

    p95_s: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    captured: int = 0
    analyzed: int = 0
    dropped: int = 0

    @property
    def worst_p95_s(self) -> float:
        return max(self.p95_s)

    @property
    def late_share(self) -> float:
        """Of the five seconds, those with more than a twentieth of their frames later than that.

        As long as it is under 5 %, so is the share of frames: the round's p95 is no later.
        """
        return sum(p95_s >= LATEST_P95_S for p95_s in self.p95_s) / len(self.p95_s)

    @property
    def growth_s(self) -> float:
        """The median of the last third less that of the first."""
        third = max(len(self.p95_s) // 3, 1)
        return statistics.median(self.p95_s[-third:]) - statistics.median(self.p95_s[:third])


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Three rounds of two minutes each; the medians."""
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = clip or at_25(folder)
        for number in range(ROUNDS):
            rounds.append(_round(folder / str(number), recording, number))
            console.print(rounds[-1], highlight=False)
    p95_s = statistics.median(one.worst_p95_s for one in rounds)
    late = statistics.median(one.late_share for one in rounds)
    usual_s = statistics.median(statistics.median(one.p95_s) for one in rounds)
    growth_s = statistics.median(one.growth_s for one in rounds)
    each = statistics.median(one.analyzed / (CAMERAS * (SECONDS + WARM_UP_S)) for one in rounds)
    verdicts = [
        Verdict(
            f"p95 of capture to commit under 1 s: in all but {late:.0%} of five seconds (p95 "
            f"{usual_s:.2f} s in their median, {p95_s:.2f} s in the worst)",
            late < 0.05,
        ),
        Verdict(f"p95 grows by {growth_s:.2f} s, under 0.1", growth_s < LARGEST_GROWTH_S),
        Verdict(f"{each:.1f} frames a second of each camera analysed, of 5", each > LEAST_FPS),
    ]
    measured = {
        "cameras": CAMERAS,
        "seconds": SECONDS,
        "worst_p95_s": p95_s,
        "growth_s": growth_s,
        "rounds": [
            {
                "p95_s": one.p95_s,
                "rss_mb": [round(rss / 1e6, 1) for rss in one.rss],
                "captured": one.captured,
                "analyzed": one.analyzed,
                "dropped": one.dropped,
            }
            for one in rounds
        ],
    }
    write_result("live-cameras", measured, verdicts)
    return verdicts


def at_25(folder: Path) -> Path:
    """The demo's first scene with its pictures 40 ms apart."""
    slow, path = folder / "slow.mp4", folder / "camera.mp4"
    render(scenes()[0], slow)
    with av.open(str(slow)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=_RATE, options={"g": "50", "bf": "0"})
        stream.width, stream.height = 640, 360
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            picture = frame.reformat(640, 360, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, _RATE)
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    return path


def _round(folder: Path, recording: Path, number: int) -> Round:
    folder.mkdir()
    found = Round()
    cores = os.cpu_count() or 1
    stack = LiveStack(Installation(folder / "home"), folder / "up.log", workers=cores)
    with RtspCamera(recording.parent, folder / "rtsp.log") as camera, stack:
        names = [f"camera{index}" for index in range(CAMERAS)]
        for name in names:
            stack.add(name, camera.url(recording.name))
        poll(lambda: stack.streams(*names))
        time.sleep(WARM_UP_S)
        for _ in track(range(SECONDS // _LOOK_S), f"round {number + 1}", transient=True):
            time.sleep(_LOOK_S)
            found.p95_s.append(max(one.latency_p95_s or 0.0 for one in stack.workers_told()))
            found.rss.append(_resident(stack))
        told = stack.told()
    totals = assert_balanced(stack)
    found.captured, found.analyzed = totals["captured"], totals["analyzed"]
    found.dropped = sum(sum(one["dropped"].values()) for one in told.values())
    return found


def _resident(stack: LiveStack) -> int:
    """Of all processes, what is their own alone: forked ones share the rest."""
    assert stack.process is not None
    processes = [psutil.Process(stack.process.pid), *stack.family()]
    return sum(one.memory_full_info().uss for one in processes)
