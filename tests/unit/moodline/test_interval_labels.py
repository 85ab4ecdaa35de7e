"""Labelled intervals: CSV and ELAN files, and those that cannot be used."""

from pathlib import Path

import pytest

from contracts.errors import DatasetError
from contracts.geometry import Box
from moodline.evaluation.interval_labels import labels_beside, read_intervals
from tests.elan_file import EAF
from training.scoring.timed import LabelledInterval

HAPPY = LabelledInterval(0, 3_000_000, "happy")
NEUTRAL = LabelledInterval(3_000_000, 6_000_000, "neutral")


def write(folder: Path, text: str, suffix: str) -> Path:
    path = folder / f"labels{suffix}"
    path.write_text(text)
    return path


def test_both_formats_give_the_same_intervals(tmp_path: Path) -> None:
    rows = "start_s,end_s,expression\n3,6,neutral\n0,3,Happiness\n"
    assert read_intervals(write(tmp_path, rows, ".csv")) == [HAPPY, NEUTRAL]
    assert read_intervals(write(tmp_path, EAF, ".eaf")) == [HAPPY, NEUTRAL]
    assert read_intervals(tmp_path / "labels.eaf", "face") == [HAPPY, NEUTRAL]


def test_a_person_of_several_has_an_area(tmp_path: Path) -> None:
    rows = "start_s,end_s,expression,x,y,w,h\n0,3,happy,10,20,30,40\n"
    (found,) = read_intervals(write(tmp_path, rows, ".csv"))
    assert found.area == Box(10, 20, 30, 40)


def test_labels_are_found_beside_their_clip(tmp_path: Path) -> None:
    assert labels_beside(tmp_path / "labels.mp4") is None
    path = write(tmp_path, EAF, ".eaf")
    assert labels_beside(tmp_path / "labels.mp4") == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "start_s,end_s\n0,1",
        "start_s,end_s,expression\n0,1,hungry",
        "start_s,end_s,expression\n1,0,happy",
        "start_s,end_s,expression\n-1,0,happy",
        "start_s,end_s,expression\n0,nan,happy",
        "start_s,end_s,expression\n0,inf,happy",
        "start_s,end_s,expression\n0,x,happy",
        "start_s,end_s,expression\n",
        "start_s,end_s,expression,x,y,w,h\n0,1,happy,1,,,",
        'start_s,end_s,expression\n0,1,"happy',
        "start_s,end_s,expression\n0",
    ],
)
def test_a_csv_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DatasetError):
        read_intervals(write(tmp_path, text, ".csv"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        EAF[:200],
        "<!DOCTYPE a><a/>",
        EAF.replace("neutral", "x").replace("Happiness", "y"),
        EAF.replace("good morning", "happy"),
    ],
)
def test_an_elan_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DatasetError):
        read_intervals(write(tmp_path, text, ".eaf"))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("start_s,end_s,expression\n0,1,fr\u00f6hlich\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="UTF-8"):
        read_intervals(path)


def test_a_tier_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no tier 'none'") as failed:
        read_intervals(write(tmp_path, EAF, ".eaf"), "none")
    assert "face, speech" in failed.value.line()
    with pytest.raises(DatasetError):
        read_intervals(tmp_path / "labels.eaf", "speech")
    with pytest.raises(DatasetError):
        read_intervals(write(tmp_path, EAF, ".txt"))
