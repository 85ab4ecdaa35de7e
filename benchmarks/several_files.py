"""Throughput of several recordings on one core and on all of them.

Beside it, what the machine gives: the limit (see benchmarks.limit) in one process on one core, and
in one process on each core at the same time. Cores that share caches, memory or a physical core
give less than so many times one of them, to every program.
"""

import os
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.clips import make_parts
from benchmarks.fer.library import moodline_speed
from benchmarks.limit.benchmark import measure_limit
from benchmarks.results import Verdict, kept_result, not_lost, write_result

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
_PER_CORE: Final = 2
_FRAMES: Final = 400
LEAST_SHARE: Final = 0.9


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Analyse two recordings for each core, on one core and on all, in turns."""
    allowed = sorted(os.sched_getaffinity(0))
    one: list[float] = []
    every: list[float] = []
    limit_one: list[float] = []
    limit_every: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        parts = make_parts(Path(folder), _PER_CORE * len(allowed), _FRAMES)
        for _ in range(ROUNDS):
            for cores, ours, limits in ((1, one, limit_one), (len(allowed), every, limit_every)):
                ours.append(_on_cores(allowed[:cores], parts))
                limits.append(_limit_on_each(allowed[:cores], parts))
    share, machine = (
        statistics.median(
            many / (len(allowed) * few) for few, many in zip(single, several, strict=True)
        )
        for single, several in ((one, every), (limit_one, limit_every))
    )
    console.print(
        f"{len(parts)} recordings: {statistics.median(one):.0f} frames/s on one core, "
        f"{statistics.median(every):.0f} on {len(allowed)}; "
        f"the limit {statistics.median(limit_one):.0f} and {statistics.median(limit_every):.0f}",
        highlight=False,
    )
    verdicts = [
        Verdict(
            f"{len(allowed)} cores: {share:.0%} of so many times one core's throughput; the limit "
            f"gets {machine:.0%} on this machine (target: {LEAST_SHARE:.0%} of that)",
            share >= LEAST_SHARE * min(machine, 1.0),
        )
    ]
    if (kept := kept_result("several-files")) is not None:
        verdicts.append(
            not_lost("several files", share / machine, kept["measured"]["relative"], kept["at"])
        )
    measured = {
        "recordings": len(parts),
        "cores": len(allowed),
        "one_core_fps": one,
        "all_cores_fps": every,
        "limit_one_core_fps": limit_one,
        "limit_all_cores_fps": limit_every,
        "share": share,
        "machine": machine,
        "relative": share / machine,
    }
    write_result("several-files", measured, verdicts)
    return verdicts


def _on_cores(cores: list[int], parts: list[Path]) -> float:
    """Return moodline's frames per second on these cores."""
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cores)
        return float(moodline_speed(parts)["fps"])
    finally:
        os.sched_setaffinity(0, allowed)


def _limit_on_each(cores: list[int], parts: list[Path]) -> float:
    """Return the sum of the limit's frames per second, in one process on each core."""

    def measure(core: int, part: Path) -> float:
        os.sched_setaffinity(0, [core])  # Of this thread, and of the process that it starts.
        return float(measure_limit(part)["fps"])

    with ThreadPoolExecutor(len(cores)) as threads:
        return sum(threads.map(measure, cores, parts))
