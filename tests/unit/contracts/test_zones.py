"""Zones: which polygons are accepted, and which faces they admit."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ZoneError
from contracts.zones.polygons import Point, contains, crosses_itself
from contracts.zones.zone import (
    MAX_CORNERS,
    MAX_ZONES,
    Zone,
    ZoneKind,
    admits,
    checked_zones,
    masks_of,
    zones_text,
)

SQUARE = ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6))
BOW_TIE = ((0.2, 0.2), (0.6, 0.6), (0.6, 0.2), (0.2, 0.6))


def mask(points: Sequence[Point], name: str = "desk") -> Zone:
    return Zone(ZoneKind.MASK, name, tuple(points))


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        ([mask(SQUARE[:2])], "zone desk (mask) of door has no area. Give at least 3 corners"),
        ([mask([(0, 0), (0.5, 0.5), (1, 1)])], "has no area"),
        ([mask([(0, 0), (0, 0), (0, 0), (1, 1)])], "has no area"),
        ([mask([*SQUARE[:3], (0.2, 1.2)])], "is outside of the picture: the corner 0.2,1.2"),
        ([mask([*SQUARE[:3], (-0.001, 0.5)])], "is outside of the picture"),
        ([mask([*SQUARE[:3], (float("nan"), 0.5)])], "is outside of the picture"),
        ([mask([*SQUARE[:3], (float("inf"), 0.5)])], "is outside of the picture"),
        ([mask(BOW_TIE)], "the edges of zone desk (mask) of door cross each other"),
        ([mask([(n / 100, n * n / 1e4) for n in range(MAX_CORNERS + 1)])], "41 corners"),
        ([mask(SQUARE, str(n)) for n in range(MAX_ZONES + 1)], "door has 21 zones"),
        ([mask(SQUARE), mask(SQUARE)], "door has two zones named desk"),
        ([mask(SQUARE, "x" * 41)], "invalid zone name"),
        ([mask(SQUARE, "a\x1b[2J")], "invalid zone name"),
    ],
)
def test_a_zone_that_is_not_a_polygon_in_the_picture_is_refused(
    zones: list[Zone], said: str
) -> None:
    with pytest.raises(ZoneError) as refused:
        checked_zones(zones, "door")
    assert said in refused.value.line() and "door" in refused.value.line()


def test_a_zone_gets_a_free_name_and_corners_that_are_stored_exactly() -> None:
    closed = mask([*SQUARE, (0.200001, 0.2)], "")
    zones = checked_zones([mask(SQUARE, "mask 1"), closed, mask(SQUARE, " a \n b ")], "door")
    assert [zone.name for zone in zones] == ["mask 1", "mask 2", "a b"]
    assert zones[1].points == SQUARE


def test_faces_count_inside_all_that_is_included_and_outside_of_the_rest() -> None:
    hall = Zone(ZoneKind.INCLUDE, "hall", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
    stairs = Zone(ZoneKind.INCLUDE, "stairs", ((0.8, 0), (1, 0), (1, 1), (0.8, 1)))
    screen = Zone(ZoneKind.EXCLUDE, "screen", ((0, 0), (0.2, 0), (0.2, 0.2), (0, 0.2)))
    desk = mask(((0.3, 0.3), (0.4, 0.3), (0.4, 0.4), (0.3, 0.4)))
    zones = (hall, stairs, screen, desk)
    places = {(0.25, 0.5): True, (0.9, 0.1): True, (0.6, 0.5): False, (0.1, 0.1): False}
    places[0.35, 0.35] = False
    assert {place: admits(zones, *place) for place in places} == places
    assert admits((), 0.1, 0.1) and admits((screen,), 0.9, 0.9)
    assert masks_of(zones) == (desk.points,)
    assert zones_text(zones) == "include hall, stairs; exclude screen; mask desk"


@pytest.mark.parametrize("place", [(0, 0), (1, 1), (1.2, 0.5), (0.5, -0.1)])
def test_the_edges_of_the_picture_belong_to_it(place: Point) -> None:
    """The box of a face at the edge may have its centre outside."""
    whole = Zone(ZoneKind.INCLUDE, "whole", ((0, 0), (1, 0), (1, 1), (0, 1)))
    assert admits((whole,), *place)


def test_zones_side_by_side_share_no_face_and_miss_none() -> None:
    left = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    right = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
    for step in range(100):
        x, y = step / 100, (step * 7 % 100) / 100
        assert contains(left, x, y) != contains(right, x, y)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=8))
def test_checked_zones_are_stable_and_simple(points: list[Point]) -> None:
    """A value that was accepted is accepted again unchanged: a page sends it back."""
    try:
        once = checked_zones([mask(points)], "door")
    except ZoneError:
        return
    assert checked_zones(once, "door") == once
    assert not crosses_itself(once[0].points)
