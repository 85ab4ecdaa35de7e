"""The zones of live sources in the database: what keeps them, what changes them, and the audit."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.errors import SourceError
from contracts.zones.zone import Zone, ZoneKind, Zones
from records.audit_actions import Action, Kind
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    edit_source,
    find_source,
    remove_source,
    set_zones,
)

DESK = Zone(ZoneKind.MASK, "desk", ((0.0, 0.0), (0.3, 0.0), (0.3, 0.5)))
HALL = Zone(ZoneKind.INCLUDE, "hall", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)))
DOOR = SourceSettings("rtsp://door/live", "rtsp://door/live", None, 5.0, 720, ())


def mask_entries(engine: Engine) -> list[dict[str, object]]:
    """The audit's entries about masks, the oldest first."""
    entries = in_snapshot(engine, audit_entries, kind=Kind.SOURCE)
    found = [dict(one.details) for one in entries if one.action == Action.MASKS_CHANGED]
    return found[::-1]


@pytest.mark.both_databases
def test_zones_are_stored_and_an_edit_of_something_else_keeps_them(engine: Engine) -> None:
    add_source(engine, "door", replace(DOOR, zones=(DESK, HALL), min_face_px=60))
    edit_source(engine, "door", replace(DOOR, sampling_fps=1.0, min_face_px=60))
    door = find_source(engine, "door")
    assert (door.zones, door.min_face_px, door.sampling_fps) == ((DESK, HALL), 60, 1.0)
    assert mask_entries(engine) == [{"source": "door", "added": ["desk"]}]


def test_a_source_that_is_added_again_keeps_its_masks_over_the_same_things(
    engine: Engine,
) -> None:
    """Given a mask at the upper left, after a turn by 90 degrees it is at the upper right."""
    add_source(engine, "door", replace(DOOR, zones=(DESK,)))
    remove_source(engine, "door")
    add_source(engine, "door", replace(DOOR, rotate=90))
    (mask,) = find_source(engine, "door").zones
    assert mask.name == "desk" and mask.points == ((1.0, 0.0), (1.0, 0.3), (0.5, 0.3))


def test_each_change_of_zones_begins_a_run_and_is_in_the_audit(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    revision = find_source(engine, "door").revision
    moved = replace(DESK, points=((0.0, 0.0), (0.4, 0.0), (0.4, 0.5)))
    steps: list[Zones] = [(DESK,), (DESK, HALL), (moved, HALL), (HALL,)]
    before: Zones = ()
    for zones in steps:
        set_zones(engine, "door", zones, None, before=before, actor="ola")
        before = zones
    assert find_source(engine, "door").revision == revision + len(steps)
    assert mask_entries(engine) == [
        {"source": "door", "added": ["desk"]},
        {"source": "door", "moved": ["desk"]},
        {"source": "door", "removed": ["desk"]},
    ]


@pytest.mark.both_databases
def test_nobody_removes_a_mask_that_he_has_not_seen(engine: Engine) -> None:
    """Given two people who opened the zones at once, the second to save is refused."""
    add_source(engine, "door", DOOR)
    set_zones(engine, "door", (DESK,), None, before=(), actor="mara")
    with pytest.raises(SourceError, match="changed meanwhile"):
        set_zones(engine, "door", (HALL,), None, before=(), actor="ola")
    assert find_source(engine, "door").zones == (DESK,)
