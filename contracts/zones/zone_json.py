"""Zones in decoded JSON, as rows and requests hold them."""

from typing import Final

from pydantic import ConfigDict, TypeAdapter

from contracts.zones.zone import Zones

_ZONES: Final = TypeAdapter(Zones, config=ConfigDict(defer_build=True))


def zones_of_json(values: object) -> Zones:
    """Return the zones in a list of {kind, name, points}, unchecked. Raises ValueError."""
    return _ZONES.validate_python(values)
