"""A recording of a still picture: its rows are stored, and no number counts it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from moodline.demo.scenes import Actor, Pose, Scene, Segment, picture_at, render
from runtime.decoding.opencv import cv2
from tests.e2e.commands import Installation

STILL = Scene(
    "still", 20.0, (Actor("a", lambda _s: Pose(320, 180, 170), (Segment(0, 20, "neutral"),)),)
)
"""The face of a photo, with the grain of a sensor."""


@pytest.fixture(scope="module")
def photo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "photo.mp4"
    render(STILL, path)
    return path


def test_twenty_seconds_of_a_photo_are_no_person_seconds(
    installation: Installation, photo_clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "faces.csv"
    (found,) = installation.analyze(photo_clip, "--fps", "5", "--export", out)
    assert sum(found["emotions"].values()) == 0
    assert (found["faces"], found["tracks"]) == (0, 0)
    assert found["left_out"] == {"static_tracks": 1, "static_faces": 100, "tentative": 0}
    rows = pd.read_csv(out)
    assert len(rows) == 100
    assert set(rows["mark"]) == {"static"}
    shown = installation.run("runs", "show", found["run_id"])
    assert "100 still faces in 1 track (a picture" in shown.stdout
    done = installation.run("analyze", photo_clip, "--fps", "5")
    assert "no people" in done.stdout
    assert "photo.mp4: left out: 100 still faces in 1 track" in done.stdout


def test_an_owner_who_analyses_photos_keeps_them(
    installation: Installation, photo_clip: Path
) -> None:
    (found,) = installation.analyze(photo_clip, "--fps", "5", "--keep-static")
    assert sum(found["emotions"].values()) == pytest.approx(20, abs=0.3)
    assert found["tracks"] == 1
    (default,) = installation.analyze(photo_clip, "--fps", "5")
    assert default["run_id"] != found["run_id"]


def test_single_pictures_and_folders_of_pictures_count(
    installation: Installation, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), picture_at(STILL, 1.0) + number)
    files = installation.analyze(folder)
    assert [(one["faces"], one["tracks"]) for one in files] == [(1, 1)] * 3
    shown = installation.run("runs", "show", files[0]["run_id"], "--json")
    assert json.loads(shown.stdout)["left_out"] == {
        "static_tracks": 0,
        "static_faces": 0,
        "tentative": 0,
    }
