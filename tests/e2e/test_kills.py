"""SIGKILL to `moodline analyze`, or to its processes, changes no row of an undisturbed analysis."""

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pandas as pd
import psutil
import pytest

from contracts.settings import Settings
from inference_worker.faces.detectors.choice import chosen_detector_id
from moodline.demo.scenes import render, scenes
from tests.e2e.commands import TIMEOUT_S, Installation, wait_for_frames
from tests.e2e.ledger import decoded_frames

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SEED, KILLS, LEAST_KILLS = 20261123, 10, 3
PROCESSES = ("inference_worker", "ingest.files.process", "valkey")


@dataclass(frozen=True, slots=True)
class Material:
    """Clips, their frames in all, and the rows of an analysis that nothing disturbed."""

    clips: list[Path]
    frames: int
    rows: pd.DataFrame


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = tmp_path_factory.mktemp("clips")
    clips = []
    for scene in scenes():
        clips.append(folder / f"{scene.name}.mp4")
        render(scene, clips[-1])
    calm = Installation(folder / "calm")
    files = calm.analyze(*clips)
    shown = json.loads(calm.run("runs", "show", files[0]["run_id"], "--json").stdout)
    assert shown["detector"] == chosen_detector_id(Settings()), "it is the default detector"
    rows = calm.exported(folder / "calm.csv", "--frames")
    return Material(clips, sum(map(decoded_frames, clips)), rows)


def moments(material: Material) -> Iterator[int]:
    """Yield the frames after which to kill: each time later, however fast the machine is."""
    chance = random.Random(SEED)
    for latest in range(KILLS):
        yield round((latest + chance.random()) / (KILLS + 1) * material.frames)


def test_ten_kills_of_the_whole_command_change_no_row(material: Material, tmp_path: Path) -> None:
    """The undisturbed run has all cores, and every second of the killed ones has one."""
    core = min(os.sched_getaffinity(0))
    shaken = Installation(tmp_path / "shaken")
    killed = 0
    for latest, least in enumerate(moments(material)):
        process = shaken.start("analyze", *material.clips)
        if latest % 2:
            os.sched_setaffinity(process.pid, {core})
        wait_for_frames(shaken, least)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.communicate()

    shaken.analyze(*material.clips)

    assert killed >= LEAST_KILLS, "the analysis ended before it could be killed"
    found = shaken.exported(tmp_path / "shaken.csv", "--frames")
    pd.testing.assert_frame_equal(found, material.rows)


def test_kills_of_its_processes_change_no_row(material: Material, tmp_path: Path) -> None:
    """The pixels of waiting frames are in memory of the decoder, their places in the broker."""
    shaken, killed = Installation(tmp_path / "shaken"), Counter[str]()
    process = shaken.start("analyze", *material.clips, "--json")
    for least, kind in zip(moments(material), cycle(PROCESSES), strict=False):
        wait_for_frames(shaken, least)
        killed[kind] += kill_one(process.pid, kind)
    out, err = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 0, out + err
    assert min(killed[kind] for kind in PROCESSES) > 0, killed
    found = shaken.exported(tmp_path / "shaken.csv", "--frames")
    pd.testing.assert_frame_equal(found, material.rows)


def kill_one(command: int, kind: str) -> bool:
    """Kill one process of a command. Return whether there is one."""
    with suppress(psutil.NoSuchProcess):
        for one in psutil.Process(command).children(recursive=True):
            if any(kind in word for word in one.cmdline()):
                one.kill()
                return True
    return False
