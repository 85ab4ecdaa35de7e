"""Latency, throughput and memory of RTSP cameras: eight of 640x360 at 25 frames per second.

Five of their frames a second are analysed. BENCH_CAMERAS, BENCH_FPS and BENCH_SIZE measure other
ones: the largest number of cameras is that whose p95 is still under LATEST_P95_S[1].

The cameras are real RTSP servers that repacketise one rendered clip. The servers, `moodline up`,
its source processes and its workers share this machine.
"""

import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.progress import track
from sqlalchemy import func, select

from benchmarks.results import Verdict, kept_result, not_lost, write_result
from benchmarks.rtsp_cameras import RATE, camera_urls, render_clip
from broker.reports import LATENCY_BOUNDS_S
from records.database import reading
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack, assert_balanced

CAMERAS = int(os.environ.get("BENCH_CAMERAS", "8"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "2"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "60"))
WARM_UP_S = int(os.environ.get("BENCH_WARM_UP_S", "20"))
WIDTH, HEIGHT = map(int, os.environ.get("BENCH_SIZE", "640x360").split("x"))
LATEST_P95_S = {True: 0.25, False: 0.5}
"""Target of the 95th percentile of capture to commit: of the eight cameras, and of any others."""
LARGEST_WORKER_MB = 250.0
LARGEST_MB = 1200.0
"""Targets of the memory of a worker and of `up` with eight cameras, as proportional sets."""
LARGEST_GROWTH_S = 0.1
LEAST_SHARE = 0.9
"""Fraction of the due frames; the server shares this machine, and may send fewer than 25."""

_FPS = int(os.environ.get("BENCH_FPS", "5"))
_IS_USUAL = (CAMERAS, _FPS, WIDTH, HEIGHT) == (8, 5, 640, 360)
_SAMPLE_EVERY_S = 5
_WORKER, _SERVER = "worker", "camera server"
_KINDS = (
    ("inference_worker", _WORKER),
    ("supervision.template", "source"),
    ("rtsp-server", _SERVER),
    ("valkey", "broker"),
    ("redis", "broker"),
    ("scheduler", "scheduler"),
    ("moodline up", "up"),
)
"""A part of the command line, and the kind of process."""


@dataclass
class Round:
    """The measurements of one round. p95_s, memory_mb: one for each sample of five seconds.

    memory_mb: of all processes of `up`. worker_mb: the largest worker, at the end. cpu_s: CPU
    seconds by kind of process, those of the cameras' servers included.

    late: frames of the whole round, counted by latency in LATENCY_BOUNDS_S. fps, captured_fps:
    analysed and captured frames per second of each camera.
    """

    p95_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    worker_mb: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    late: list[int] = field(default_factory=list)
    fps: dict[str, float] = field(default_factory=dict)
    captured_fps: dict[str, float] = field(default_factory=dict)
    captured: int = 0
    analyzed: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def round_p95_s(self) -> float:
        return p95_s(self.late)

    @property
    def due_share(self) -> dict[str, float]:
        """For each camera: analysed frames as a fraction of every fifth frame that it sent."""
        return {
            name: self.fps[name] / (captured * _FPS / RATE)
            for name, captured in self.captured_fps.items()
        }

    @property
    def growth_s(self) -> float:
        """The median p95 of the last third minus that of the first third."""
        third = max(len(self.p95_s) // 3, 1)
        return statistics.median(self.p95_s[-third:]) - statistics.median(self.p95_s[:third])


def p95_s(late: Sequence[int]) -> float:
    """Return the 95th percentile of latencies, within its bounds on a straight line.

    late: frames counted by latency in LATENCY_BOUNDS_S.
    """
    target, before, lower_s = 0.95 * sum(late), 0, 0.0
    for bound_s, count in zip(LATENCY_BOUNDS_S, late, strict=False):
        if count and before + count >= target:
            return lower_s + (bound_s - lower_s) * (target - before) / count
        before, lower_s = before + count, bound_s
    return math.inf


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Compare the medians of the rounds with their targets (BENCH_ROUNDS, BENCH_SECONDS)."""
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = clip or render_clip(folder, WIDTH, HEIGHT)
        for number in range(ROUNDS):
            rounds.append(_round(folder / str(number), recording, number))
            console.print(rounds[-1], highlight=False)
    median_s = statistics.median(one.round_p95_s for one in rounds)
    latest_s = LATEST_P95_S[_IS_USUAL]
    growth_s = statistics.median(one.growth_s for one in rounds)
    each = statistics.median(statistics.mean(one.fps.values()) for one in rounds)
    sent = statistics.median(statistics.mean(one.captured_fps.values()) for one in rounds)
    least = statistics.median(min(one.due_share.values()) for one in rounds)
    verdicts = [
        Verdict(
            f"95 % of the frames are committed within {median_s * 1000:.0f} ms of capture "
            f"(target: {latest_s * 1000:.0f} ms)",
            median_s <= latest_s,
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
    if _IS_USUAL:
        verdicts += _memory_verdicts(rounds)
    measured: dict[str, Any] = {
        "cameras": CAMERAS,
        "analysed_fps": _FPS,
        "size": f"{WIDTH}x{HEIGHT}",
        "seconds": SECONDS,
        "p95_s": median_s,
        "growth_s": growth_s,
        "latency_bounds_s": LATENCY_BOUNDS_S,
        "rounds": [asdict(one) for one in rounds],
    }
    name = "live-cameras" + ("" if _IS_USUAL else f"-{CAMERAS}-{WIDTH}x{HEIGHT}-{_FPS}")
    measured["cpu_ms"] = cpu_ms(rounds)
    if (kept := kept_result(name)) is not None and "cpu_ms" in kept["measured"]:
        before = kept["measured"]["cpu_ms"]
        what = "analysed frames in a CPU second of a worker"
        verdicts.append(not_lost(what, 1000 / measured["cpu_ms"], 1000 / before, kept["at"]))
    write_result(name, measured, verdicts)
    return verdicts


def cpu_ms(rounds: Sequence[Round]) -> float:
    """Return the CPU milliseconds that workers take for an analysed frame."""
    frames = sum(sum(one.fps.values()) * SECONDS for one in rounds)
    return 1000 * sum(one.cpu_s.get(_WORKER, 0.0) for one in rounds) / max(frames, 1.0)


def _memory_verdicts(rounds: list[Round]) -> list[Verdict]:
    worker_mb = max(one.worker_mb for one in rounds)
    all_mb = max(max(one.memory_mb) for one in rounds)
    return [
        Verdict(
            f"a worker takes {worker_mb:.0f} MB (target: under {LARGEST_WORKER_MB:.0f})",
            worker_mb < LARGEST_WORKER_MB,
        ),
        Verdict(
            f"`up` takes {all_mb:.0f} MB in all (target: under {LARGEST_MB:.0f})",
            all_mb < LARGEST_MB,
        ),
    ]


def _round(folder: Path, recording: Path, number: int) -> Round:
    folder.mkdir()
    found = Round()
    cores = os.cpu_count() or 1
    stack = LiveStack(Installation(folder / "home"), folder / "up.log", workers=cores)
    with camera_urls(folder, recording, CAMERAS) as urls, stack:
        names = [f"camera{index}" for index in range(CAMERAS)]
        for name, url in zip(names, urls, strict=True):
            stack.add(name, url, _FPS)
        poll(lambda: stack.makes_progress(*names))
        time.sleep(WARM_UP_S)
        begin, begin_s, late = frame_totals(stack), time.monotonic(), late_counts(stack)
        cpu_s = _cpu_s(stack)
        for _ in track(range(SECONDS // _SAMPLE_EVERY_S), f"round {number + 1}", transient=True):
            time.sleep(_SAMPLE_EVERY_S)
            found.p95_s.append(max(one.latency_p95_s or 0.0 for one in stack.live_workers()))
            found.memory_mb.append(round(sum(_memory_mb(stack).values()), 1))
        end, seconds = frame_totals(stack), time.monotonic() - begin_s
        found.late = [
            after - before for before, after in zip(late, late_counts(stack), strict=True)
        ]
        found.cpu_s = {k: round(v - cpu_s.get(k, 0.0), 2) for k, v in _cpu_s(stack).items()}
        found.worker_mb = round(max(v for k, v in _memory_mb(stack).items() if k[0] == _WORKER), 1)
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


def frame_totals(stack: LiveStack) -> dict[str, tuple[int, int]]:
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


def late_counts(stack: LiveStack) -> list[int]:
    """Return the frames of all workers so far, counted by latency."""
    counts = [one.latency_counts for one in stack.live_workers()]
    return [sum(of_bound) for of_bound in zip(*counts, strict=True)]


def _processes(stack: LiveStack) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the processes of `up`, and the cameras' servers, with the kind of each."""
    assert stack.process is not None
    own = psutil.Process()
    for one in (psutil.Process(stack.process.pid), *stack.processes(), *own.children()):
        with suppress(psutil.NoSuchProcess):
            line = " ".join(one.cmdline())
            yield next((kind for word, kind in _KINDS if word in line), "other"), one


def _memory_mb(stack: LiveStack) -> dict[tuple[str, int], float]:
    """Return the proportional set size by kind and process, without the cameras' servers."""
    found = {}
    for kind, one in _processes(stack):
        with suppress(psutil.NoSuchProcess):
            if kind != _SERVER:
                found[kind, one.pid] = one.memory_full_info().pss / 1e6
    return found


def _cpu_s(stack: LiveStack) -> dict[str, float]:
    """Return the CPU seconds so far by kind of process."""
    found: dict[str, float] = {}
    for kind, one in _processes(stack):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            found[kind] = found.get(kind, 0.0) + times.user + times.system
    return found
