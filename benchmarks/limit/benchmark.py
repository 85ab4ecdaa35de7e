"""The share of the limit that the pipeline reaches, stage by stage, on one core and on two.

The limit is the same analysis in one process: decoding, detection, tracking, classification and
smoothing, without broker, SQL or messages. Limit and pipeline run in turns.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.clips import RENDERED, TABLE, Footage, table_clip
from benchmarks.limit.chart import write_chart
from benchmarks.limit.stages import STAGES, START
from benchmarks.results import Verdict, kept_result, not_lost, write_result

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "2"))
_KINDS: Final = ("one-face-360p", "one-face-1080p", "four-faces-720p", "no-face-432p")
LEAST_SHARE: Final = 0.75
_MOST_LARGE: Final = 1.5
"""Target: CPU time of 1080p beyond decoding, compared with that of 360p."""
_TIMED: Final = Path(__file__).parent / "timed"
_ROOT: Final = Path(__file__).parents[2]
_CHART: Final = _ROOT / "docs" / "images" / "limit.svg"


def run(console: Console, clip: Path | None, footage: Footage = RENDERED) -> list[Verdict]:
    """Measure the clip, or one of each kind of the table, and draw the chart of all of them."""
    kinds = [one for one in TABLE if one.name in _KINDS]
    clips = [clip] if clip else [table_clip(one, footage) for one in kinds]
    measured = {one.stem: measure(one, console) for one in clips}
    verdicts = [
        Verdict(
            f"{name}, {cores} core{'s' * (cores > 1)}: {found['share']:.0%} of the limit of "
            f"{found['limit']['fps']:.0f} frames/s (target: {LEAST_SHARE:.0%})",
            found["share"] >= LEAST_SHARE,
        )
        for name, by_cores in measured.items()
        for cores, found in by_cores.items()
    ]
    if clip is None:
        verdicts += _large_frames(measured["one-face-360p"], measured["one-face-1080p"])
    name = f"limit-{clip.stem}" if clip else f"limit{footage.suffix(TABLE[0])}"
    if (kept := kept_result(name)) is not None:
        verdicts += _losses(measured, kept)
    write_result(name, {"clips": measured}, verdicts)
    if clip is None and footage == RENDERED:
        write_chart(_CHART, measured)
    return verdicts


def _large_frames(
    usual: dict[int, dict[str, Any]], large: dict[int, dict[str, Any]]
) -> list[Verdict]:
    """Compare what a frame of 1080p and one of 360p cost the pipeline beyond decoding."""
    verdicts = []
    for cores, found in usual.items():
        few_ms, many_ms = (
            one["pipeline"]["cpu_ms"] - one["pipeline"]["stages"]["decode"]
            for one in (found, large[cores])
        )
        text = (
            f"{cores} core{'s' * (cores > 1)}: beyond decoding, a frame of 1080p costs "
            f"{many_ms / few_ms:.2f} times one of 360p (target: at most {_MOST_LARGE})"
        )
        verdicts.append(Verdict(text, many_ms <= _MOST_LARGE * few_ms))
    return verdicts


def measure(clip: Path, console: Console) -> dict[int, dict[str, Any]]:
    """Return the medians of limit and pipeline by the number of cores."""
    found: dict[int, dict[str, Any]] = {}
    allowed = sorted(os.sched_getaffinity(0))
    for cores in (1, 2)[: len(allowed)]:
        limits, pipelines = [], []
        try:
            os.sched_setaffinity(0, allowed[:cores])
            for _ in range(ROUNDS):
                limits.append(measure_limit(clip))
                pipelines.append(_pipeline(clip))
        finally:
            os.sched_setaffinity(0, allowed)
        limit, pipeline = _medians(limits), _medians(pipelines)
        found[cores] = {
            "limit": limit,
            "pipeline": pipeline,
            "share": statistics.median(
                ours["fps"] / best["fps"] for ours, best in zip(pipelines, limits, strict=True)
            ),
            "cpu_share": limit["cpu_ms"] / pipeline["cpu_ms"],
        }
        console.print(_table(clip.name, cores, found[cores]))
    return found


def _losses(measured: dict[str, dict[int, dict[str, Any]]], kept: dict[str, Any]) -> list[Verdict]:
    """Compare the CPU time of limit and pipeline, the steadiest ratio, with that of a result."""
    before = kept["measured"]["clips"]
    return [
        not_lost(
            f"{clip}, {cores} cores: limit's CPU time / pipeline's",
            found["cpu_share"],
            before[clip][str(cores)]["cpu_share"],
            kept["at"],
        )
        for clip, by_cores in measured.items()
        for cores, found in by_cores.items()
        if str(cores) in before.get(clip, {})
    ]


def measure_limit(clip: Path) -> dict[str, Any]:
    """Analyse the clip in one process, with the cores that this process may use."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.limit.in_process", clip],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(),
        cwd=_ROOT,
    )
    return _per_frame(json.loads(done.stdout.splitlines()[-1]))


def _pipeline(clip: Path) -> dict[str, Any]:
    """Run `moodline analyze` with timers in its processes. Seconds: from file to committed rows."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as stages:
        path = os.pathsep.join((str(_TIMED), str(_ROOT)))
        done = subprocess.run(
            [sys.executable, "-m", "moodline", "analyze", clip.resolve(), "--json"],
            capture_output=True,
            text=True,
            check=True,
            env=_environment()
            | {"MOODLINE_HOME": home, "MOODLINE_STAGES": stages, "PYTHONPATH": path},
            cwd=_ROOT,
        )
        (file,) = json.loads(done.stdout)["files"]
        sums = dict.fromkeys((*STAGES, START), 0.0)
        for part in Path(stages).iterdir():
            for stage, seconds in json.loads(part.read_text()).items():
                sums[stage] += seconds
    frames = file["frames_analyzed"]
    return _per_frame(
        {
            "frames": frames,
            "faces": file["faces"],
            "seconds": frames / file["fps"],
            "stages": sums,
        }
    )


def _environment() -> dict[str, str]:
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {k: v for k, v in os.environ.items() if not k.startswith("MOODLINE_")} | one_thread


def _per_frame(found: dict[str, Any]) -> dict[str, Any]:
    """Return frames per second, and milliseconds of CPU time a frame by stage."""
    frames = found["frames"]
    stages = {one: found["stages"].get(one, 0.0) * 1000 / frames for one in STAGES}
    cpu_ms = sum(stages.values())
    cores = len(os.sched_getaffinity(0))
    wall_ms = found["seconds"] * 1000 / frames
    return {
        "frames": frames,
        "faces": found["faces"],
        "fps": frames / found["seconds"],
        "cpu_ms": cpu_ms,
        "idle_ms": max(wall_ms * cores - cpu_ms, 0.0),
        "start_s": found["stages"].get(START, 0.0),
        "stages": stages,
    }


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    plain = {
        key: statistics.median(one[key] for one in rounds)
        for key in ("frames", "faces", "fps", "cpu_ms", "idle_ms", "start_s")
    }
    stages = {key: statistics.median(one["stages"][key] for one in rounds) for key in STAGES}
    return plain | {"stages": stages}


def _table(name: str, cores: int, found: dict[str, Any]) -> Table:
    limit, pipeline = found["limit"], found["pipeline"]
    table = Table(title=f"{name}, {cores} core{'s' * (cores > 1)}: CPU milliseconds a frame")
    table.add_column("stage")
    for column in ("limit", "pipeline", "more"):
        table.add_column(column, justify="right")
    for stage in STAGES:
        least, ours = limit["stages"][stage], pipeline["stages"][stage]
        table.add_row(stage, f"{least:.2f}", f"{ours:.2f}", f"{ours - least:+.2f}")
    table.add_section()
    table.add_row(
        "all", f"{limit['cpu_ms']:.2f}", f"{pipeline['cpu_ms']:.2f}", f"{found['cpu_share']:.0%}"
    )
    table.add_row("idle", f"{limit['idle_ms']:.2f}", f"{pipeline['idle_ms']:.2f}", "")
    table.add_row("start, s", f"{limit['start_s']:.2f}", f"{pipeline['start_s']:.2f}", "")
    table.add_row(
        "frames/s", f"{limit['fps']:.0f}", f"{pipeline['fps']:.0f}", f"{found['share']:.0%}"
    )
    return table
