"""Options of pictures: an option goes before the file of zones, and the file before the source."""

from pathlib import Path

import pytest

from contracts.zones.picture_options import PictureOptions
from contracts.zones.turning import NO_TURN, Turn
from contracts.zones.zone import Zone, ZoneKind
from moodline.commands.options import QuarterTurn
from moodline.commands.zone_options import ZoneOptions, read_zones_file, zones_yaml

DESK = Zone(ZoneKind.MASK, "desk", ((0.0, 0.0), (0.4, 0.0), (0.4, 0.2)))
TURNED_DESK = Zone(ZoneKind.MASK, "desk", ((1.0, 0.0), (1.0, 0.4), (0.8, 0.4)))
"""The same part of the picture, after it is turned by 90 degrees."""


def written(folder: Path, pictures: PictureOptions) -> Path:
    path = folder / "zones.yaml"
    path.write_text(zones_yaml(pictures))
    return path


def test_a_file_has_all_that_it_was_printed_from(tmp_path: Path) -> None:
    pictures = PictureOptions(Turn(270, True), (DESK,), 60, keep_static=False)
    path = written(tmp_path, pictures)
    assert ZoneOptions(file=path).resolve("door") == pictures
    assert ZoneOptions(file=path).resolve("door", PictureOptions(Turn(90), (), 12)) == pictures


def test_a_file_that_does_not_name_a_turn_is_of_the_picture_as_it_is_turned(tmp_path: Path) -> None:
    path = written(tmp_path, PictureOptions(zones=(DESK,)))
    assert read_zones_file(path).turn is None
    known = PictureOptions(Turn(90), (), 60, keep_static=True)
    found = ZoneOptions(file=path).resolve("door", known)
    assert found == PictureOptions(Turn(90), (DESK,), 60, keep_static=True)


@pytest.mark.parametrize("from_file", [True, False])
def test_zones_stay_where_they_are_if_an_option_turns_the_picture(
    tmp_path: Path, from_file: bool
) -> None:
    known = PictureOptions(NO_TURN if from_file else Turn(180), (DESK,))
    turned = PictureOptions(Turn(180), (DESK,))
    path = written(tmp_path, turned) if from_file else None
    found = ZoneOptions(file=path, rotate=QuarterTurn.LEFT).resolve("door", known)
    assert found == PictureOptions(Turn(270), (TURNED_DESK,))


def test_options_go_before_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, PictureOptions(Turn(90, True), (DESK,), 60, keep_static=True))
    options = ZoneOptions(
        exclude=["0,0 1,0 1,1"], file=path, min_face=24, mirror=False, keep_static=False
    )
    found = options.resolve("door")
    assert (found.turn, found.min_face_px, found.keep_static) == (Turn(90), 24, False)
    assert [zone.name for zone in found.zones] == ["desk", "exclude 1"]


def test_zero_is_the_smallest_face_of_the_settings() -> None:
    assert (
        ZoneOptions(min_face=0).resolve("door", PictureOptions(min_face_px=60)).min_face_px is None
    )
