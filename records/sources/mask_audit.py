"""Changes of privacy masks in the audit: who uncovered, or covered, which part of which source."""

from collections.abc import Sequence

from sqlalchemy import Connection

from contracts.zones.polygons import Polygon
from contracts.zones.zone import Zone, ZoneKind
from records.audit import write_audit_entry
from records.audit_actions import Action


def write_mask_changes(
    connection: Connection, actor: str, source: str, before: Sequence[Zone], after: Sequence[Zone]
) -> None:
    """Write an entry with the names of the masks that differ; none if they are the same.

    A mask that was only renamed counts as removed and added.
    """
    old, new = _masks(before), _masks(after)
    if old == new:
        return
    changes = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "moved": [name for name in new if name in old and new[name] != old[name]],
    }
    details = {kind: names for kind, names in changes.items() if names}
    write_audit_entry(connection, actor, Action.MASKS_CHANGED, {"source": source, **details})


def _masks(zones: Sequence[Zone]) -> dict[str, Polygon]:
    return {zone.name: zone.points for zone in zones if zone.kind is ZoneKind.MASK}
