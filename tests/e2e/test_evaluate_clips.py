"""`moodline model evaluate-clips` on a clip whose script is known."""

import json
from pathlib import Path

import pytest

from moodline.demo.scenes import Actor, Pose, Scene, Segment, render
from tests.e2e.commands import Installation, assert_plain_failure
from tests.elan_file import EAF

SCRIPT = (Segment(0, 3, "happy"), Segment(3, 6, "neutral"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a happy face, then three of a neutral one."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    render(Scene("clip", 6.0, (Actor("a", lambda _: Pose(320, 180, 170), SCRIPT),)), path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".eaf"])
def test_a_clip_is_scored_against_its_labels(
    installation: Installation, clip: Path, tmp_path: Path, suffix: str
) -> None:
    labels = tmp_path / f"labels{suffix}"
    rows = [f"{one.start_s},{one.end_s},{one.emotion}" for one in SCRIPT]
    labels.write_text(EAF if suffix == ".eaf" else "\n".join(["start_s,end_s,expression", *rows]))
    evaluate = ("model", "evaluate-clips", clip, "--labels", labels)

    done = installation.run(*evaluate, "--json")

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["labelled_s"] == pytest.approx(6.0, abs=0.1)
    assert result["tracks"] == 1
    assert result["segments_right"] == 1.0
    assert [one["read"] for one in result["segments"]] == ["happy", "neutral"]
    assert result["accuracy"] > 0.85
    # Uncertain may be shown where one expression fades into the other.
    assert 10 <= result["changes_per_minute"] <= 20
    assert result["clips"][clip.name]["accuracy"] == result["accuracy"]
    if suffix == ".csv":
        shown = installation.run(*evaluate)
        assert "label changes a minute" in shown.stdout and "neutral" in shown.stdout


def test_a_clip_without_labels_is_one_line(installation: Installation, clip: Path) -> None:
    failed = installation.run("model", "evaluate-clips", clip)
    assert_plain_failure(failed)
    assert "has no labels" in failed.stderr
