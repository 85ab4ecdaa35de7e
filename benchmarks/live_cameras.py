"""Latency and throughput of eight RTSP cameras, 640x360 at 25 frames per second, analysed at 5.

The cameras are a real RTSP server that repacketises one rendered clip. The server, `moodline up`,
its source processes and its workers share this machine. The slow tests check the memory.
"""

import math
import os
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import psutil
from rich.console import Console
from rich.progress import track
from sqlalchemy import func, select

from benchmarks.results import Verdict, write_result
from broker.reports import LATENCY_BOUNDS_S
from moodline.demo.scenes import render, scenes
from records.database import reading
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack, assert_balanced
from tests.rtsp import RtspCamera

CAMERAS = 8
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "120"))
WARM_UP_S = int(os.environ.get("BENCH_WARM_UP_S", "30"))
LATEST_P95_S = 1.0
LARGEST_GROWTH_S = 0.1
LEAST_SHARE = 0.9
"""Fraction of the due frames; the server shares this machine, and may send fewer than 25."""

_RATE, _FPS = 25, 5
_SAMPLE_EVERY_S = 5


@dataclass
class Round:
    """The measurements of one round. p95_s, rss: one for each sample of five seconds.

    late: frames of the whole round, counted by latency in LATENCY_BOUNDS_S. fps, captured_fps:
    analysed and captured frames per second of each camera.
    """

    p95_s: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    fps: dict[str, float] = field(default_factory=dict)
    captured_fps: dict[str, float] = field(default_factory=dict)
    captured: int = 0
    analyzed: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def late_share(self) -> float:
        """Fraction of the round's frames with a latency above the target."""
        in_time = self.late[: LATENCY_BOUNDS_S.index(LATEST_P95_S) + 1]
        return 1 - sum(in_time) / sum(self.late)

    @property
    def p95_at_most_s(self) -> float:
        """The latency bound that 95 % of the round's frames keep."""
        for bound_s, count in zip(LATENCY_BOUNDS_S, accumulate(self.late), strict=False):
            if count >= 0.95 * sum(self.late):
                return bound_s
        return math.inf

    @property
    def due_share(self) -> dict[str, float]:
        """For each camera: analysed frames as a fraction of every fifth frame that it sent."""
        return {
            name: self.fps[name] / (captured * _FPS / _RATE)
            for name, captured in self.captured_fps.items()
        }

    @property
    def growth_s(self) -> float:
        """The median p95 of the last third minus that of the first third."""
        third = max(len(self.p95_s) // 3, 1)
        return statistics.median(self.p95_s[-third:]) - statistics.median(self.p95_s[:third])


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Compare the medians of three rounds of two minutes (BENCH_ROUNDS, BENCH_SECONDS)."""
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = clip or render_camera_clip(folder)
        for number in range(ROUNDS):
            rounds.append(_round(folder / str(number), recording, number))
            console.print(rounds[-1], highlight=False)
    late = statistics.median(one.late_share for one in rounds)
    p95_s = statistics.median(one.p95_at_most_s for one in rounds)
    growth_s = statistics.median(one.growth_s for one in rounds)
    each = statistics.median(statistics.mean(one.fps.values()) for one in rounds)
    sent = statistics.median(statistics.mean(one.captured_fps.values()) for one in rounds)
    least = statistics.median(min(one.due_share.values()) for one in rounds)
    verdicts = [
        Verdict(
            f"95 % of a round's frames are committed within {p95_s} s of capture, {late:.1%} take "
            f"more than 1 s (target: under 5 %)",
            late < 0.05,
        ),
        Verdict(
            f"p95 grows by {growth_s:.2f} s (target: under 0.1 s)", growth_s < LARGEST_GROWTH_S
        ),
        Verdict(
            f"each camera sent {sent:.1f} frames per second, {each:.2f} were analysed; the slowest "
            f"camera has {least:.1%} of every fifth frame (target: at least 90 %)",
            least >= LEAST_SHARE,
        ),
    ]
    measured = {
        "cameras": CAMERAS,
        "seconds": SECONDS,
        "p95_at_most_s": p95_s,
        "later_than_1_s": late,
        "growth_s": growth_s,
        "latency_bounds_s": LATENCY_BOUNDS_S,
        "rounds": [
            asdict(one) | {"rss": [round(rss / 1e6, 1) for rss in one.rss]} for one in rounds
        ],
    }
    write_result("live-cameras", measured, verdicts)
    return verdicts


def render_camera_clip(folder: Path) -> Path:
    """Render the demo's first scene at 25 frames per second; return its path."""
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
        poll(lambda: stack.makes_progress(*names))
        time.sleep(WARM_UP_S)
        begin, begin_s, late = _totals(stack), time.monotonic(), _late(stack)
        for _ in track(range(SECONDS // _SAMPLE_EVERY_S), f"round {number + 1}", transient=True):
            time.sleep(_SAMPLE_EVERY_S)
            found.p95_s.append(max(one.latency_p95_s or 0.0 for one in stack.live_workers()))
            found.rss.append(_resident(stack))
        end, seconds = _totals(stack), time.monotonic() - begin_s
        found.late = [after - before for before, after in zip(late, _late(stack), strict=True)]
        for name in names:
            captured, analyzed = (
                after - before for before, after in zip(begin[name], end[name], strict=True)
            )
            found.captured_fps[name] = round(captured / seconds, 2)
            found.fps[name] = round(analyzed / seconds, 2)
        for one in stack.statuses().values():
            for cause, count in one["dropped"].items():
                found.dropped[cause] = found.dropped.get(cause, 0) + count
    totals = assert_balanced(stack)
    found.captured, found.analyzed = totals["captured"], totals["analyzed"]
    return found


def _totals(stack: LiveStack) -> dict[str, tuple[int, int]]:
    """Return the captured and analysed frames so far of each camera, over all of its runs."""
    query = (
        select(
            Source.name,
            func.sum(RunProgress.frames_captured),
            func.sum(RunProgress.frames_analyzed),
        )
        .join(Run, Run.source_pk == Source.id)
        .join(RunProgress, RunProgress.run_pk == Run.id)
        .group_by(Source.name)
    )
    with reading(stack.engine) as connection:
        return {
            name: (captured, analyzed) for name, captured, analyzed in connection.execute(query)
        }


def _late(stack: LiveStack) -> list[int]:
    """Return the frames of all workers so far, counted by latency."""
    counts = [one.latency_counts for one in stack.live_workers()]
    return [sum(of_bound) for of_bound in zip(*counts, strict=True)]


def _resident(stack: LiveStack) -> int:
    """Return the unique memory of all processes in bytes; forked ones share the rest."""
    assert stack.process is not None
    processes = [psutil.Process(stack.process.pid), *stack.processes()]
    return sum(one.memory_full_info().uss for one in processes)
