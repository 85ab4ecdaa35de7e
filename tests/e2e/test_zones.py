"""Zones given to commands: analyses with masks, their copies, and files of zones."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from tests.e2e.commands import Installation, assert_plain_failure

WHOLE = "0,0 1,0 1,1 0,1"
LEFT = "0,0 0.5,0 0.5,1 0,1"
RIGHT = "0.5,0 1,0 1,1 0.5,1"


def test_each_set_of_zones_is_another_analysis_and_its_copy_has_the_masks(
    installation: Installation, one_face: Path, tmp_path: Path
) -> None:
    """Given one face, it counts in one half only; masked, it is neither found nor drawn."""
    copy = tmp_path / "copy.mp4"
    (plain,) = installation.analyze(one_face)
    (left,) = installation.analyze(one_face, "--include", LEFT)
    (right,) = installation.analyze(one_face, "--include", RIGHT)
    (masked,) = installation.analyze(one_face, "--mask", f"all={WHOLE}", "--annotate", copy)
    (small,) = installation.analyze(one_face, "--min-face", "512")

    runs = [plain, left, right, masked, small]
    assert len({run["run_id"] for run in runs}) == len(runs)
    assert plain["faces"] > 50
    assert sorted([left["faces"], right["faces"]])[0] < plain["faces"] / 4
    # One that comes into a zone is found by the next search, within half a second: 8 frames.
    assert plain["faces"] - 9 <= left["faces"] + right["faces"] <= plain["faces"]
    assert masked["faces"] == small["faces"] == 0
    with av.open(str(copy)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == 60 and max(np.max(frame) for frame in frames) < 24

    out = tmp_path / "rows.csv"
    rows = installation.exported(out, "--frames")
    assert set(rows["zones"]) == {"", "include include 1", "mask all"}
    (again,) = installation.analyze(one_face)
    assert again["run_id"] == plain["run_id"], "without zones it is the same work as before"
    shown = installation.run("runs", "show", masked["run_id"])
    assert "mask all" in shown.stdout


def test_zones_of_a_source_are_printed_as_the_file_that_other_commands_read(
    installation: Installation, tmp_path: Path
) -> None:
    add = ("source", "add", "door", "rtsp://camera.example/live", "--min-face", "60")
    add = (*add, "--rotate", "90", "--keep-static")
    window = "window=0,0 0.3,0 0.3,0.5"
    done = installation.run(*add, "--mask", window, "--exclude", "0.7,0.2 0.9,0.2 0.9,0.4")
    assert done.returncode == 0, done.stderr
    text = installation.run("source", "zones", "door").stdout
    (tmp_path / "door.yaml").write_text(text)
    edit = ("source", "edit", "door")
    assert installation.run(*edit, "--clear", "mask", "--min-face", "0").returncode == 0
    assert "window" not in installation.run("source", "zones", "door").stdout
    done = installation.run(*edit, "--rotate", "0", "--no-keep-static")
    assert done.returncode == 0, done.stderr
    assert installation.run(*edit, "--zones", tmp_path / "door.yaml").returncode == 0
    assert installation.run("source", "zones", "door").stdout == text
    listed = json.loads(installation.run("source", "show", "door", "--json").stdout)
    assert [zone["name"] for zone in listed["zones"]] == ["exclude 1", "window"]
    assert (listed["rotate"], listed["mirror"], listed["keep_static"]) == (90, False, True)
    audit = installation.run("audit", "--kind", "source", "--json").stdout
    assert audit.count("privacy masks changed") == 3


@pytest.mark.parametrize(
    "text",
    [
        *("includ: []", "[a: b", "mask: 5", "mask: [{points: 3}]", "mask: [{name: a}]"),
        *("min_face: x", "rotate: 45", "mirror: 1", "keep_static: maybe"),
    ],
)
def test_a_file_that_is_not_one_of_zones_is_refused_in_a_line(
    installation: Installation, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "zones.yaml"
    path.write_text(text)
    done = installation.run("analyze", tmp_path / "a.mp4", "--zones", path)
    assert_plain_failure(done)
    assert "zones" in done.stderr
