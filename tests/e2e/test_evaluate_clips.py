"""`moodline model evaluate-clips` on a clip whose script is known."""

import json
from pathlib import Path

import pytest

from moodline.demo.scenes import Actor, Pose, Scene, Segment, render
from tests.e2e.commands import Installation, assert_plain_failure

SCRIPT = (Segment(0, 3, "happy"), Segment(3, 6, "neutral"))

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-11-29T12:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/>
<TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="3000"/>
<TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="6000"/>
</TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="face">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>Happiness</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
<ANNOTATION_VALUE>neutral</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="speech">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts3">
<ANNOTATION_VALUE>good morning</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
</ANNOTATION_DOCUMENT>
"""


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


def test_labels_that_cannot_be_used_are_one_line(
    installation: Installation, clip: Path, tmp_path: Path
) -> None:
    failed = installation.run("model", "evaluate-clips", clip)
    assert_plain_failure(failed)
    assert "has no labels" in failed.stderr
    labels = tmp_path / "labels.csv"
    for text in (
        "start_s,end_s\n0,1",
        "start_s,end_s,expression\n0,1,hungry",
        "start_s,end_s,expression\n1,0,happy",
        "start_s,end_s,expression\n",
        "start_s,end_s,expression,x,y,w,h\n0,1,happy,1,,,",
    ):
        labels.write_text(text)
        assert_plain_failure(installation.run("model", "evaluate-clips", clip, "--labels", labels))
    eaf = tmp_path / "labels.eaf"
    for text in (EAF.replace("neutral", "x").replace("Happiness", "y"), EAF[:200], "<!DOCTYPE a>"):
        eaf.write_text(text)
        assert_plain_failure(installation.run("model", "evaluate-clips", clip, "--labels", eaf))
    eaf.write_text(EAF)
    found = installation.run("model", "evaluate-clips", clip, "--labels", eaf, "--tier", "none")
    assert "no tier 'none'" in found.stderr
