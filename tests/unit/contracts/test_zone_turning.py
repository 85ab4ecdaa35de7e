"""Zones stay over the same things when a picture is turned or mirrored in another way."""

import itertools

import numpy as np
import pytest

from contracts.zones.turning import Turn, turned_zones
from contracts.zones.zone import Zone, ZoneKind
from ingest.orientation import Orientation
from ingest.picture_view import PictureView
from ingest.privacy_masks import blackened

TURNS = [Turn(rotate, mirror) for rotate in (0, 90, 180, 270) for mirror in (False, True)]
CORNER = Zone(ZoneKind.MASK, "corner", ((0.0, 0.0), (0.2625, 0.0), (0.2625, 0.5125), (0.0, 0.5125)))


def masked(turn: Turn, zone: Zone) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A bright picture of 40 x 40, turned, with the zone black."""
    view = PictureView(turn.rotate, turn.mirror)
    bright = np.full((40, 40), 200, np.uint8)
    return blackened(view.orientation(Orientation()).upright(bright), (zone.points,))


@pytest.mark.parametrize(("before", "after"), list(itertools.product(TURNS, TURNS)))
def test_a_mask_covers_the_same_part_of_what_is_shown(before: Turn, after: Turn) -> None:
    (moved,) = turned_zones((CORNER,), before, after)

    old = PictureView(before.rotate, before.mirror).orientation(Orientation())
    new = PictureView(after.rotate, after.mirror).orientation(Orientation())
    places = np.arange(40 * 40).reshape(40, 40)
    black = old.upright(places)[masked(before, CORNER) == 0]  # type: ignore[arg-type]
    still_black = new.upright(places)[masked(after, moved) == 0]  # type: ignore[arg-type]
    assert set(black) == set(still_black)


@pytest.mark.parametrize("turn", TURNS)
def test_turning_back_gives_the_same_zones(turn: Turn) -> None:
    there = turned_zones((CORNER,), Turn(), turn)
    assert turned_zones(there, turn, Turn()) == (CORNER,)
