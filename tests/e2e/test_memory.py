"""The memory of a worker over a long recording."""

import contextlib
import json
import subprocess
from pathlib import Path

import numpy as np
import psutil
import pytest

from moodline.demo.scenes import render, scenes
from tests.e2e.commands import Installation
from tests.media import write_looped

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FRAMES, SCENE_FRAMES = 20_000, 315
MOST_BYTES = 400 * 2**20


def test_a_worker_stays_under_400_mb_over_20_000_frames(
    installation: Installation, tmp_path: Path
) -> None:
    render(scenes()[0], tmp_path / "scene.mp4")
    clip = tmp_path / "long.mkv"
    write_looped(tmp_path / "scene.mp4", -(-FRAMES // SCENE_FRAMES), clip)

    process = installation.start("analyze", clip, "--workers", "1", "--json")
    readings: list[int] = []
    while process.poll() is None:
        readings += [
            child.memory_info().rss
            for child in psutil.Process(process.pid).children(recursive=True)
            if "inference_worker" in child.cmdline()
        ]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1.0)  # A reading per second.
    out, err = process.communicate()

    assert process.returncode == 0, err
    (file,) = json.loads(out)["files"]
    assert file["frames_analyzed"] >= FRAMES
    assert max(readings) < MOST_BYTES
    # After a fifth of the run everything is loaded and every cache is full.
    steady = np.array(readings[len(readings) // 5 :])
    half = len(steady) // 2
    growth = float(np.median(steady[half:]) - np.median(steady[:half]))
    print(f"largest {max(readings) / 2**20:.0f} MiB, growth {growth / 2**20:.2f} MiB")
    assert growth < 8 * 2**20
