"""What every live source does and shows just now, from the records and the broker's memory."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from analytics.now.live_status import live_status
from broker.bus import Bus
from broker.live_view import Reading, View
from broker.presence import Presence, SourceReport
from contracts.errors import MoodlineError
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.times import to_micros, utc_now
from dashboard.web.backend import Backend

_RECORDS_S: Final = 2.0
_FACTS: Final = ("name", "state", "reason", "since", "tags", "uri")
_FRESH: Final = ("state", "reason", "since", "fps", "last_frame_age_s")

Tile = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """Tiles by name; JPEGs by name; trouble: what keeps it from being known, or ""."""

    tiles: Mapping[str, Tile]
    pictures: Mapping[str, bytes]
    trouble: str


@dataclass(slots=True)
class Reader:
    """Looks when it is asked, which blocks. Connects anew where the broker went elsewhere."""

    backend: Backend
    _bus: Bus | None = None
    _bus_url: str = ""
    _lines: Sequence[dict[str, Any]] = ()
    _lines_at: float = -_RECORDS_S
    _behind: dict[str, tuple[int, float]] = field(default_factory=dict)

    def look(self) -> Look:
        """All tiles, also while the broker is away: their records are known then."""
        reports, views, trouble = [], {}, ""
        try:
            if (bus := self._connected()) is not None:
                reports = Presence(bus, SourceReport).living()
                views = View.newest_of(bus, [line["name"] for line in self._lines])
        except MoodlineError as exc:
            self.close()
            trouble = exc.line()
        try:
            if time.monotonic() - self._lines_at >= _RECORDS_S:
                self._lines = live_status(self.backend.engine, reports)
                self._lines_at = time.monotonic()
        except MoodlineError as exc:
            trouble = exc.line()
        told = {report.id: asdict(report) for report in reports}
        tiles = {}
        for line in self._lines:
            name = line["name"]
            if name not in told and line["watched_by"]:
                self._lines_at = -_RECORDS_S  # Nobody watches over it any more: ask again.
            fresh = {one: told[name][one] for one in _FRESH} if name in told else {}
            tiles[name] = self._tile(line | fresh, views.get(name))
        pictures = {name: view.picture for name, view in views.items() if view.picture}
        return Look(tiles, pictures, trouble)

    def _tile(self, line: Mapping[str, Any], view: View | None) -> Tile:
        """behind_s: from capture to here. captured_at: of the newest frame, seconds since 1970."""
        now_us = to_micros(utc_now())
        tile: Tile = {name: line[name] for name in _FACTS}
        tile["fps"] = round(line["fps"], 1)
        captured_us: int | None = None
        if line["last_frame_age_s"] is not None:
            captured_us = now_us - round(line["last_frame_age_s"] * 10) * 100_000
        if view is None:
            self._behind.pop(line["name"], None)
            tile |= {"behind_s": None, "readings": None}
        else:
            captured_us = view.captured_at_us
            before, behind_s = self._behind.get(line["name"], (0, 0.0))
            if before != captured_us:
                behind_s = max((now_us - captured_us) / 1e6, 0.0)
                self._behind[line["name"]] = captured_us, behind_s
            tile["behind_s"] = round(behind_s, 2)
            tile["readings"] = [_reading(one) for one in view.readings]
        if captured_us is not None:
            # Of a source that stalls the age is told again and again: the moment must not tremble.
            captured_us -= captured_us % 1_000_000 if view is None else 0
        tile["captured_at"] = None if captured_us is None else captured_us / 1e6
        return tile

    def _connected(self) -> Bus | None:
        """The broker where it is now; None where none runs. Raises BrokerError."""
        url = self.backend.broker_url()
        if url != self._bus_url:
            self.close()
        if url and self._bus is None:
            self._bus, self._bus_url = Bus.connect(url), url
        return self._bus

    def close(self) -> None:
        """Give the connection back."""
        if self._bus is not None:
            self._bus.close()
        self._bus, self._bus_url = None, ""


def _reading(one: Reading) -> dict[str, Any]:
    return {
        "track": one.track_id,
        "label": one.emotion or UNCERTAIN,
        "confidence": one.confidence,
        "shares": dict(zip(EXPRESSIONS, one.probabilities, strict=True)),
    }
