"""The largest number of RTSP cameras that this machine analyses in time.

Cameras of 640x360 (BENCH_SIZE), analysed at 5 and at 10 frames a second, are added to one `moodline
up`, a few at a time, until the 95th percentile of capture to commit is late, or frames are left
out. The servers of the cameras share this machine, as in `live-cameras`.
"""

import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.live_cameras import (
    HEIGHT,
    LATEST_P95_S,
    LEAST_SHARE,
    WIDTH,
    frame_totals,
    late_counts,
    p95_s,
)
from benchmarks.results import Verdict, kept_result, not_lost, write_result
from benchmarks.rtsp_cameras import RATE, camera_urls, render_clip
from tests.e2e.commands import Installation, poll
from tests.e2e.live_stack import LiveStack

_LEAST: Final = {5: 16, 10: 8}
"""Target: the least number of cameras of 640x360 by analysed frames a second."""
_STEPS: Final = (4, 8, 12, 16, 20, 24, 28)
_SETTLE_S: Final = int(os.environ.get("BENCH_STEP_WARM_UP_S", "8"))
_MEASURE_S: Final = int(os.environ.get("BENCH_STEP_S", "15"))
_LATEST_S: Final = LATEST_P95_S[False]


@dataclass(frozen=True, slots=True)
class Step:
    """One number of cameras. share: analysed frames as a fraction of those that were due.

    Due is a fifth, or two fifths, of the frames that came: a busy server sends fewer than 25.
    """

    cameras: int
    p95_s: float
    share: float

    @property
    def is_in_time(self) -> bool:
        """Whether these cameras were analysed in time and without loss."""
        return self.p95_s <= _LATEST_S and self.share >= LEAST_SHARE


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Search the largest number for each rate; a step takes BENCH_STEP_WARM_UP_S + BENCH_STEP_S."""
    size, name = f"{WIDTH}x{HEIGHT}", "most-cameras"
    is_usual = (WIDTH, HEIGHT) == (640, 360)
    if not is_usual:
        name += f"-{size}"
    kept, measured, verdicts = kept_result(name), {}, []
    with tempfile.TemporaryDirectory() as folder:
        recording = clip or render_clip(Path(folder), WIDTH, HEIGHT)
        for fps in _LEAST:
            steps = _search(Path(folder) / str(fps), recording, fps, console)
            most = max((one.cameras for one in steps if one.is_in_time), default=0)
            measured[str(fps)] = {"most": most, "steps": [asdict(one) for one in steps]}
            text = (
                f"{most} cameras of {size} at {fps} frames/s, p95 under {_LATEST_S * 1000:.0f} ms"
            )
            least = _LEAST[fps] if is_usual else 1
            verdicts.append(Verdict(f"{text} (target: at least {least})", most >= least))
            if kept is not None:
                before = kept["measured"][str(fps)]["most"]
                what = f"most cameras at {fps} frames/s"
                verdicts.append(not_lost(what, most, before, kept["at"]))
    write_result(name, measured, verdicts)
    return verdicts


def _search(folder: Path, recording: Path, fps: int, console: Console) -> list[Step]:
    """Add cameras until a step is late, or not all of them come up; return the finished steps."""
    folder.mkdir()
    steps: list[Step] = []
    workers = os.cpu_count() or 1
    stack = LiveStack(Installation(folder / "home"), folder / "up.log", workers=workers)
    with camera_urls(folder, recording, _STEPS[-1]) as urls, stack:
        names: list[str] = []
        for count in _STEPS:
            while len(names) < count:
                names.append(f"camera{len(names)}")
                stack.add(names[-1], urls[len(names) - 1], fps)
            try:
                poll(lambda: stack.makes_progress(*names))
            except AssertionError:  # What fewer cameras reached is a result all the same.
                console.print(f"{count} cameras do not all send and get through", highlight=False)
                break
            time.sleep(_SETTLE_S)
            steps.append(_measure(stack, count, fps))
            console.print(steps[-1], highlight=False)
            if not steps[-1].is_in_time:
                break
    return steps


def _measure(stack: LiveStack, cameras: int, fps: int) -> Step:
    before, late = frame_totals(stack), late_counts(stack)
    time.sleep(_MEASURE_S)
    after = frame_totals(stack)
    new = [now - then for now, then in zip(late_counts(stack), late, strict=True)]
    captured, analyzed = (
        sum(after[name][which] - before[name][which] for name in after) for which in (0, 1)
    )
    return Step(cameras, p95_s(new), analyzed / (captured * fps / RATE))
