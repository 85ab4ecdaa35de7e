"""Cameras for many minutes, with and without kills: each frame is stored, or counted as lost."""

import random
import select
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack, assert_balanced, signal_process
from tests.rtsp import RtspCamera

pytestmark = [pytest.mark.slow, pytest.mark.timeout(5400)]

CHAOS_S = 240
SOAK_S = 1200
WARM_UP_S = 600
"""Page caches (2 MB per connection) and batches reach their final size in this time."""
LARGEST_SLOPE_MB = 1.0
"""Growth of a process in ten minutes, of resident memory including shared pages. Pages that a fork
shares with its template become its own without changing this number."""


@pytest.mark.parametrize("seed", [1, 2])
def test_every_frame_is_counted_despite_seeded_kills(
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
        while time.monotonic() < until or 0 in killed.values():
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
            # Kill the next process at once, or after everything has recovered.
            if chance.random() < 0.6:
                poll(lambda: all(stack.state(name) == "streaming" for name in names))
                poll(lambda: stack.makes_progress(*names))
        poll(lambda: all(stack.state(name) == "streaming" for name in names))
        poll(lambda: stack.makes_progress(*names))
    poll(stack.all_runs_done)
    totals = assert_balanced(stack)
    print(killed, totals)
    assert totals["analyzed"] > 500, totals


def test_memory_does_not_grow_with_eight_cameras(
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
        # The broker's memory depends on the number of waiting frames.
        own = {
            " ".join(one.cmdline()[1:])[:60] + f" ({one.pid})": (one, list[float]())
            for one in processes
            if "valkey" not in one.name()
        }

        def sample() -> bool:
            passed_s = time.monotonic() - begin
            if passed_s >= WARM_UP_S and (not at_s or passed_s > at_s[-1] + 5):
                at_s.append(passed_s)
                for one, sizes in own.values():
                    sizes.append(one.memory_info().rss / 1e6)
            return passed_s > SOAK_S

        while not sample():
            select.select([], [], [], 1.0)
        assert all(one.is_running() for one in processes), "no process may have been restarted"
        poll(lambda: all(stack.state(name) == "streaming" for name in names))
        statuses = stack.statuses()
        assert len({one["run_id"] for one in statuses.values()}) == 8
    totals = assert_balanced(stack)
    from scipy.stats import theilslopes  # Takes half a second, which every test run would pay.

    # The median of the slopes between all pairs of samples ignores single steps, such as a run that
    # moves to another worker.
    slopes_mb = {
        name: round(float(theilslopes(sizes, at_s).slope) * 600, 2)
        for name, (_, sizes) in own.items()
    }
    print(totals, "MB in ten minutes:", slopes_mb)
    # A busy machine sends and analyses fewer than the five a second that are due of each camera.
    assert totals["analyzed"] > 8 * SOAK_S, "too few frames to use memory"
    assert totals["broker_lost"] == 0
    assert max(slopes_mb.values()) < LARGEST_SLOPE_MB, slopes_mb
