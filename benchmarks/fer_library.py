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

from benchmarks.results import Verdict, write_result
from moodline.demo.scenes import render, scenes

ROUNDS = 5
LEAST_RATIO = 2.0

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
    """Run the two in turns; compare the medians."""
    python = fer_python(console)
    with tempfile.TemporaryDirectory() as folder:
        if clip is None:
            clip = Path(folder) / "clip.mp4"
            render(scenes()[0], clip)
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
    verdict = Verdict(
        f"{ratio:.2f} times as fast as fer (target: at least {LEAST_RATIO})", ratio >= LEAST_RATIO
    )
    measured = {
        "clip": clip.name,
        "moodline_fps": our_fps,
        "fer_fps": their_fps,
        "ratio": ratio,
        "moodline": ours,
        "fer": theirs,
    }
    write_result(f"fer-library-{clip.stem}", measured, [verdict])
    return [verdict]


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
