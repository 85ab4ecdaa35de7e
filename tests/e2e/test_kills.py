"""SIGKILL to `moodline analyze` at seeded moments: the rows equal those of an undisturbed run."""

import json
import os
import random
import signal
from pathlib import Path

import pandas as pd
import pytest

from contracts.settings import Settings
from inference_worker.faces.detectors.choice import chosen_detector_id
from moodline.demo.scenes import render, scenes
from tests.e2e.commands import Installation, wait_for_frames
from tests.e2e.ledger import decoded_frames

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
    """The undisturbed run has all cores, and every second of the killed ones has one."""
    calm = Installation(tmp_path / "calm")
    files = calm.analyze(*clips)
    shown = json.loads(calm.run("runs", "show", files[0]["run_id"], "--json").stdout)
    assert shown["detector"] == chosen_detector_id(Settings()), "it is the default detector"
    core = min(os.sched_getaffinity(0))
    whole = sum(map(decoded_frames, clips))
    shaken = Installation(tmp_path / "shaken")
    chance = random.Random(SEED)
    killed = 0
    for latest in range(KILLS):  # Each time later in the work, however fast the machine is.
        least = round((latest + chance.random()) / (KILLS + 1) * whole)
        process = shaken.start("analyze", *clips)
        if latest % 2:
            os.sched_setaffinity(process.pid, {core})
        wait_for_frames(shaken, least)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.communicate()

    shaken.analyze(*clips)

    assert killed >= LEAST_KILLS, "the analysis ended before it could be killed"
    pd.testing.assert_frame_equal(
        shaken.exported(tmp_path / "shaken.csv", "--frames"),
        calm.exported(tmp_path / "calm.csv", "--frames"),
    )
