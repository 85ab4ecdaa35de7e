"""SIGKILL to `moodline analyze` at seeded moments: the rows equal those of an undisturbed run."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from moodline.demo.scenes import render, scenes
from tests.e2e.commands import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SEED, KILLS, LEAST_KILLS = 20261123, 10, 3


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    paths = []
    for scene in scenes():
        paths.append(folder / f"{scene.name}.mp4")
        render(scene, paths[-1])
    return paths


def test_ten_kills_of_the_whole_command_change_no_row(clips: list[Path], tmp_path: Path) -> None:
    calm = Installation(tmp_path / "calm")
    begin = time.monotonic()
    calm.analyze(*clips)
    whole_s = time.monotonic() - begin
    shaken = Installation(tmp_path / "shaken")
    chance = random.Random(SEED)
    killed = 0
    for _ in range(KILLS):
        process = shaken.start("analyze", *clips)
        # The first kills are early: the machine may get faster, and then the analysis would end.
        latest = 0.4 if killed < LEAST_KILLS else 0.9
        try:
            process.communicate(timeout=chance.uniform(0.1, latest) * whole_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            killed += 1

    shaken.analyze(*clips)

    assert killed >= LEAST_KILLS, "the analysis ended before it could be killed"
    pd.testing.assert_frame_equal(
        shaken.exported(tmp_path / "shaken.csv", "--frames"),
        calm.exported(tmp_path / "calm.csv", "--frames"),
    )
