"""Event: one thing that happened, and the events that two readings of the system differ by."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from contracts.times import from_micros
from serving.live_reader import Tile


class EventType(StrEnum):
    """The types of events, as `event:` names them.

    source: the state of a source changed. reading: the faces of a source now, at most five times a
    second. run: the progress of a run. alert: an alert fired, was resolved, or was lifted. gap: the
    client missed events before this one, and should read again what it shows.
    """

    SOURCE = "source"
    READING = "reading"
    RUN = "run"
    ALERT = "alert"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. source: its name; "" for what is of no source. data: JSON values."""

    type: EventType
    source: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of one run."""

    run_id: str
    source: str
    state: str
    frames_analyzed: int
    frames_total: int | None


@dataclass(frozen=True, slots=True)
class Observation:
    """The facts read at one moment. alerts: those since the reading before."""

    tiles: Mapping[str, Tile] = field(default_factory=dict)
    runs: Mapping[str, RunProgress] = field(default_factory=dict)
    alerts: tuple[Event, ...] = ()


def changes(before: Observation, now: Observation) -> Iterator[Event]:
    """Yield what changed between two observations."""
    for name, tile in now.tiles.items():
        known = before.tiles.get(name)
        if known is None or (known.state, known.reason) != (tile.state, tile.reason):
            yield source_event(tile)
        if tile.readings is not None and (known is None or _reading(known) != _reading(tile)):
            yield reading_event(tile)
    for name in before.tiles.keys() - now.tiles.keys():
        yield Event(EventType.SOURCE, name, {"source": name, "state": "removed", "reason": ""})
    for run_id, run in now.runs.items():
        if before.runs.get(run_id) != run:
            yield Event(EventType.RUN, run.source, asdict(run))
    yield from now.alerts


def source_event(tile: Tile) -> Event:
    """Return the event of a source's state."""
    since = None if tile.since is None else datetime.fromisoformat(tile.since).isoformat()
    data = {"source": tile.name, "state": tile.state, "reason": tile.reason, "since": since}
    return Event(EventType.SOURCE, tile.name, data)


def reading_event(tile: Tile) -> Event:
    """Return the event of a source's faces."""
    captured = None if tile.captured_at is None else from_micros(round(tile.captured_at * 1e6))
    data = {
        "source": tile.name,
        "captured_at": None if captured is None else captured.isoformat(),
        "faces": [
            {
                "track_id": one.track,
                "smoothed_emotion": one.label,
                "confidence": round(one.confidence, 4),
                **{label: round(share, 4) for label, share in one.shares.items()},
            }
            for one in tile.readings or ()
        ],
        "static_faces": tile.stills,
    }
    return Event(EventType.READING, tile.name, data)


def _reading(tile: Tile) -> object:
    """Return what a new reading differs in: not how old it is."""
    return tile.readings, tile.captured_at, tile.stills
