"""Cameras for minutes, undisturbed and under fire: what is accepted is in SQL once, or counted."""

import random
import select
import signal
import time
from pathlib import Path

import psutil
import pytest
from scipy.stats import theilslopes

from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack, assert_balanced, signal_process
from tests.rtsp import RtspCamera

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CHAOS_S = 240
SOAK_S = 1200
WARM_UP_S = 600
"""Until then page caches fill, two megabytes a connection, and batches find their largest size."""
LARGEST_SLOPE_MB = 1.0
"""Of any one process, in ten minutes. Resident, shared pages and all: what a fork had in common
with its template becomes its own page by page, which takes no more than it was."""


@pytest.mark.parametrize("seed", [1, 2])
def test_seeded_kills_of_everything_lose_nothing_uncounted(
    installation: Installation, long_clip: Path, tmp_path: Path, seed: int
) -> None:
    chance, killed = (
        random.Random(seed),
        dict.fromkeys(("worker", "source", "template", "broker", "up"), 0),
    )
    stack = LiveStack(installation, tmp_path / "up.log", workers=2)
    names = [f"camera{number}" for number in range(4)]
    with RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera, stack:
        for name in names:
            stack.add(name, camera.url(long_clip.name))
        poll(lambda: stack.makes_progress(*names))
        until = time.monotonic() + CHAOS_S
        while time.monotonic() < until:
            victim = chance.choice(list(killed))
            killed[victim] += 1
            if victim == "worker":
                workers = stack.live_workers()
                signal_process(chance.choice(workers).pid if workers else None, signal.SIGKILL)
            elif victim == "source":
                signal_process(stack.reader_pid(chance.choice(names)), signal.SIGKILL)
            elif victim == "template":
                signal_process(stack.template_pid(), signal.SIGKILL)
            elif victim == "broker":
                for one in stack.processes_with("valkey"):
                    signal_process(one.pid, signal.SIGKILL)
            else:
                stack.kill()
                stack.start()
            # Sometimes at once the next one, sometimes when all is well again.
            if chance.random() < 0.6:
                poll(lambda: all(stack.state(name) == "streaming" for name in names))
                poll(lambda: stack.makes_progress(*names))
        poll(lambda: all(stack.state(name) == "streaming" for name in names))
        poll(lambda: stack.makes_progress(*names))
    poll(stack.all_runs_done)
    totals = assert_balanced(stack)
    assert min(killed.values()) > 0, killed
    assert totals["analyzed"] > 500, totals


def test_eight_cameras_hold_their_memory(
    installation: Installation, long_clip: Path, tmp_path: Path
) -> None:
    stack = LiveStack(installation, tmp_path / "up.log", workers=2)
    names = [f"camera{number}" for number in range(8)]
    with RtspCamera(long_clip.parent, tmp_path / "rtsp.log") as camera, stack:
        for name in names:
            stack.add(name, camera.url(long_clip.name))
        poll(lambda: stack.makes_progress(*names))
        begin, at_s = time.monotonic(), list[float]()
        assert stack.process is not None
        processes = [psutil.Process(stack.process.pid), *stack.processes()]
        # The broker's depends on how many frames wait in it just then.
        own = {
            " ".join(one.cmdline()[1:])[:60] + f" ({one.pid})": (one, list[float]())
            for one in processes
            if "valkey" not in one.name()
        }

        def look() -> bool:
            passed_s = time.monotonic() - begin
            if passed_s >= WARM_UP_S and (not at_s or passed_s > at_s[-1] + 5):
                at_s.append(passed_s)
                for one, sizes in own.values():
                    sizes.append(one.memory_info().rss / 1e6)
            return passed_s > SOAK_S

        while not look():
            select.select([], [], [], 1.0)
        assert all(one.is_running() for one in processes), "none of them had to be started again"
        poll(lambda: all(stack.state(name) == "streaming" for name in names))
        told = stack.statuses()
        assert len({one["run_id"] for one in told.values()}) == 8
    totals = assert_balanced(stack)
    # The median of all slopes between two looks: a run that changes hands is a step, no slope.
    slopes_mb = {
        name: round(float(theilslopes(sizes, at_s).slope) * 600, 2)
        for name, (_, sizes) in own.items()
    }
    print(totals, "MB in ten minutes:", slopes_mb)
    # Every third of what the server, a program of this machine, came to send of 15 a second.
    assert totals["analyzed"] > 0.8 * totals["captured"] / 3 > 0.5 * 8 * 5 * SOAK_S
    assert totals["broker_lost"] == 0
    assert max(slopes_mb.values()) < LARGEST_SLOPE_MB, slopes_mb
