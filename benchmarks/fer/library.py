"""Throughput of moodline and of the `fer` library 25.10 on the clips of the table, and the limit.

For moodline the time is from opening the file to the last committed row; for fer it is the
detection loop only, because fer stores nothing. The limit is the analysis in one process. The three
run in turns, with all cores.
"""

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.clips import RENDERED, TABLE, Clip, Footage, table_clip
from benchmarks.limit.benchmark import LEAST_SHARE, measure_limit
from benchmarks.results import Verdict, kept_result, not_lost, write_result

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
_FER_PIXELS: Final = 60_000_000
"""fer's time is the same for each frame: it reads so many frames that this is their size."""
_MOST_FACES: Final = 1.8
_LEAST_EMPTY: Final = 3.0

_PAGE: Final = Path(__file__).parents[2] / "docs" / "performance.md"
_OF_RENDERED, _OF_RECORDINGS = "speed", "speed of recordings"
"""Marks of the page's tables."""
_FER_VENV = Path(__file__).parents[1] / ".venv-fer"
_PACKAGES = (
    "tensorflow-cpu<2.22",
    "opencv-python-headless<5",
    "pandas",
    "requests",
    "tqdm",
    "pillow",
    "setuptools<81",
)


def run(console: Console, clip: Path | None, footage: Footage = RENDERED) -> list[Verdict]:
    """Measure each clip of the table, or the recording."""
    python = fer_python(console)
    measured = {
        one.name: _measure(python, clip or table_clip(one, footage), one, console)
        for one in ([_of_user(clip)] if clip else TABLE)
    }
    console.print(_table(measured))
    targets = {one.name: one for one in TABLE}
    verdicts = [
        verdict
        for name, found in measured.items()
        for verdict in _verdicts(name, found, targets.get(name))
    ]
    if clip is None:
        verdicts += _between_clips({name: one["moodline_fps"] for name, one in measured.items()})
    name = f"fer-library-{clip.stem}" if clip else f"fer-library{footage.suffix(TABLE[0])}"
    if (kept := kept_result(name)) is not None:
        verdicts += _losses(measured, kept)
    write_result(name, {"clips": measured}, verdicts)
    if clip is None and footage == RENDERED:
        write_table(_PAGE, _OF_RENDERED, measured)
    elif footage.face and footage.empty:
        write_table(_PAGE, _OF_RECORDINGS, measured)
    return verdicts


def write_table(page: Path, mark: str, measured: dict[str, dict[str, Any]]) -> None:
    """Write a table of a page of the documentation, between its two marks."""
    lines = [
        "| clip | fer, frames/s | moodline | ratio | limit | of the limit |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one['fer_fps']:.1f} | {one['moodline_fps']:.0f} | {one['ratio']:.1f} "
        f"| {one['limit_fps']:.0f} | {one['share']:.0%} |"
        for name, one in measured.items()
    ]
    before, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {mark} -->")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    table = "\n".join(lines)
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")


def _of_user(clip: Path) -> Clip:
    return Clip(clip.stem, 0, 0, 1)


def _measure(python: Path, path: Path, clip: Clip, console: Console) -> dict[str, Any]:
    """Return the medians of a clip, and each round."""
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    limits: list[dict[str, Any]] = []
    frames = round(_FER_PIXELS / (clip.width * clip.height)) if clip.width else 10**9
    for _ in track(range(ROUNDS), description=clip.name, console=console, transient=True):
        theirs.append(_fer(python, path, frames))
        ours.append(moodline_speed([path]))
        limits.append(measure_limit(path))
    our_fps = statistics.median(one["fps"] for one in ours)
    their_fps = statistics.median(one["fps"] for one in theirs)
    limit_fps = statistics.median(one["fps"] for one in limits)
    return {
        "fer_fps": their_fps,
        "moodline_fps": our_fps,
        "limit_fps": limit_fps,
        "ratio": our_fps / their_fps,
        "share": our_fps / limit_fps,
        "cpu_ms": statistics.median(one["cpu_ms"] for one in ours),
        "moodline": ours,
        "fer": theirs,
        "limit": [one["fps"] for one in limits],
    }


def _verdicts(name: str, found: dict[str, Any], target: Clip | None) -> list[Verdict]:
    """Compare a clip with its targets."""
    least = target.least_ratio if target else None
    verdicts = [
        Verdict(
            f"{name}: {found['share']:.0%} of the limit of {found['limit_fps']:.0f} frames/s "
            f"(target: {LEAST_SHARE:.0%})",
            found["share"] >= LEAST_SHARE,
        )
    ]
    if least is not None:
        text = f"{name}: {found['ratio']:.2f} times as fast as fer (target: at least {least:.0f})"
        verdicts.insert(0, Verdict(text, found["ratio"] >= least))
    return verdicts


def _between_clips(fps: dict[str, float]) -> list[Verdict]:
    """Compare the clips with each other."""
    faces = fps["one-face-720p"] / fps["four-faces-720p"]
    empty = fps["no-face-432p"] / fps["one-face-360p"]
    return [
        Verdict(
            f"four faces take {faces:.2f} times the time of one (target: at most {_MOST_FACES})",
            faces <= _MOST_FACES,
        ),
        Verdict(
            f"a scene without a face is {empty:.2f} times as fast as one with a face "
            f"(target: at least {_LEAST_EMPTY:.0f})",
            empty >= _LEAST_EMPTY,
        ),
    ]


def _losses(measured: dict[str, dict[str, Any]], kept: dict[str, Any]) -> list[Verdict]:
    before = kept["measured"]["clips"]
    return [
        not_lost(f"{name}: times as fast as fer", one["ratio"], before[name]["ratio"], kept["at"])
        for name, one in measured.items()
        if name in before
    ]


def _table(measured: dict[str, dict[str, Any]]) -> Table:
    title = f"Frames per second, and CPU a frame; medians of {ROUNDS} rounds"
    table = Table(title=title, title_justify="left")
    table.add_column("clip")
    for column in ("fer", "moodline", "ratio", "limit", "of the limit", "CPU ms"):
        table.add_column(column, justify="right")
    for name, one in measured.items():
        table.add_row(
            name,
            f"{one['fer_fps']:.1f}",
            f"{one['moodline_fps']:.0f}",
            f"{one['ratio']:.1f}",
            f"{one['limit_fps']:.0f}",
            f"{one['share']:.0%}",
            f"{one['cpu_ms']:.1f}",
        )
    return table


def _fer(python: Path, clip: Path, frames: int) -> dict[str, Any]:
    script = Path(__file__).with_name("library_loop.py")
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [python, script, clip, str(frames)], capture_output=True, text=True, check=True, env=env
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def moodline_speed(clips: list[Path]) -> dict[str, Any]:
    """Analyse recordings with one command, with all cores that this process may use.

    Return frames and faces, frames per second from opening the first file to the last committed
    row, and CPU milliseconds a frame, start included.
    """
    before = os.times()
    with tempfile.TemporaryDirectory() as home:
        env = {k: v for k, v in os.environ.items() if not k.startswith("MOODLINE_")}
        done = subprocess.run(
            [sys.executable, "-m", "moodline", "analyze", *clips, "--json"],
            capture_output=True,
            text=True,
            check=True,
            env=env | {"MOODLINE_HOME": home},
        )
        after = os.times()
        with closing(sqlite3.connect(Path(home) / "moodline.db")) as records:
            query = "SELECT max(finished_at) - min(started_at) FROM runs"
            micros = records.execute(query).fetchone()[0]
    files = json.loads(done.stdout)["files"]
    frames = sum(one["frames_analyzed"] for one in files)
    cpu_s = sum(after[2:4]) - sum(before[2:4])
    return {
        "frames": frames,
        "faces": sum(one["faces"] for one in files),
        "fps": frames * 1e6 / micros,
        "cpu_ms": cpu_s * 1000 / frames,
    }


def fer_python(console: Console) -> Path:
    """Return the Python of a virtual environment with fer; install it if it is missing."""
    python = _FER_VENV / "bin" / "python"
    if not python.exists():
        console.print(
            f"Installing fer with TensorFlow into {_FER_VENV.name}; this takes some minutes."
        )
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", _FER_VENV], check=True)
        install = [str(uv), "pip", "install", "--quiet", "--python", str(python)]
        subprocess.run([*install, "--no-deps", "fer==25.10.*"], check=True)
        subprocess.run([*install, *_PACKAGES], check=True)
    return python
