"""The viewer's browser, as assets/trends/callbacks.js describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final, Self

from analytics.history.local_time import zone_named
from contracts.errors import SettingsError

_MAX_ZONE_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class ViewerBrowser:
    """Time zone and screen of a viewer. narrow: a phone's width."""

    zone: tzinfo = UTC
    dark: bool = False
    touch: bool = False
    narrow: bool = False

    @classmethod
    def read(cls, data: object) -> Self:
        """Read the JSON object of the script. What is not one, or unknown, becomes the default."""
        if not isinstance(data, Mapping):
            return cls()
        try:
            zone = zone_named(str(data.get("zone") or "UTC")[:_MAX_ZONE_LENGTH])
        except SettingsError:
            zone = UTC
        return cls(
            zone,
            bool(data.get("dark")),
            bool(data.get("touch")),
            bool(data.get("narrow")),
        )
