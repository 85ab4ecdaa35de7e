"""Throughput of moodline and of the `fer` library 25.10, on every frame of the same clip.

For moodline the time is from opening the file to the last committed row; for fer it is the
detection loop only, because fer stores nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.limit.clips import rendered_clips
from benchmarks.results import Verdict, kept_result, not_lost, write_result

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
LEAST = {"one-face": 6.0, "three-faces": 10.0, "one-face-1080p": 20.0}
"""Least ratio by rendered clip; the lowest for a recording of your own."""

_FER_VENV = Path(__file__).parent / ".venv-fer"
_PACKAGES = (
    "tensorflow-cpu<2.22",
    "opencv-python-headless<5",
    "pandas",
    "requests",
    "tqdm",
    "pillow",
    "setuptools<81",
)


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Run the two in turns on the clip, or on a rendered clip of each kind."""
    python = fer_python(console)
    with tempfile.TemporaryDirectory() as folder:
        clips = (
            [clip] if clip else [one for one in rendered_clips(Path(folder)) if one.stem in LEAST]
        )
        return [verdict for one in clips for verdict in _compare(console, python, one)]


def _compare(console: Console, python: Path, clip: Path) -> list[Verdict]:
    """Compare the medians on one clip, with the target and with the last kept result."""
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for _ in track(range(ROUNDS), description="rounds", console=console, transient=True):
        theirs.append(_fer(python, clip))
        ours.append(_moodline(clip))
    our_fps = statistics.median(one["fps"] for one in ours)
    their_fps = statistics.median(one["fps"] for one in theirs)
    ratio = our_fps / their_fps
    console.print(
        f"{clip.name}: moodline {our_fps:.0f} frames/s, fer {their_fps:.0f} frames/s, "
        f"ratio {ratio:.1f} (medians of {ROUNDS} rounds)",
        highlight=False,
    )
    least = LEAST.get(clip.stem, min(LEAST.values()))
    what = f"{clip.stem}: times as fast as fer"
    verdicts = [Verdict(f"{what}: {ratio:.2f} (target: at least {least})", ratio >= least)]
    name = f"fer-library-{clip.stem}"
    if (kept := kept_result(name)) is not None:
        verdicts.append(not_lost(what, ratio, kept["measured"]["ratio"], kept["at"]))
    measured = {
        "clip": clip.name,
        "moodline_fps": our_fps,
        "fer_fps": their_fps,
        "ratio": ratio,
        "moodline": ours,
        "fer": theirs,
    }
    write_result(name, measured, verdicts)
    return verdicts


def _fer(python: Path, clip: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("fer_loop.py")
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [python, script, clip], capture_output=True, text=True, check=True, env=env
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _moodline(clip: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        env = {k: v for k, v in os.environ.items() if not k.startswith("MOODLINE_")}
        done = subprocess.run(
            [sys.executable, "-m", "moodline", "analyze", clip, "--json"],
            capture_output=True,
            text=True,
            check=True,
            env=env | {"MOODLINE_HOME": home},
        )
    (file,) = json.loads(done.stdout)["files"]
    return {"frames": file["frames_analyzed"], "faces": file["faces"], "fps": file["fps"]}


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
