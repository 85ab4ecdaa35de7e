"""The live view of a source: its newest picture and faces, kept in broker memory for seconds.

It is never written to disk, and expires unless it is renewed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, cast

from pydantic import TypeAdapter
from redis.exceptions import OutOfMemoryError

from broker.bus import Bus
from contracts.errors import BrokerError

LIFETIME_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class FaceReading:
    """One face in the newest frame.

    x, y, w, h: the box, as fractions of the frame's width and height. emotion, confidence: the
    smoothed label, None if uncertain, and its probability. probabilities: 7, in EXPRESSIONS order.
    """

    track_id: int
    x: float
    y: float
    w: float
    h: float
    emotion: str | None
    confidence: float
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SourceView:
    """The newest analysed frame of a source.

    captured_at_us: UTC microseconds. width, height: in pixels. picture: an annotated JPEG, or empty
    if pictures are off.
    """

    source: str
    run_id: str
    captured_at_us: int
    width: int
    height: int
    readings: tuple[FaceReading, ...]
    picture: bytes = b""

    def publish(self, bus: Bus) -> None:
        """Store the view, or skip it if the broker's memory is full. Raises BrokerError."""
        values = asdict(self)
        picture = values.pop("picture")
        key = _key(bus, self.source)
        with bus.translated_errors():
            pipeline = bus.client.pipeline(transaction=True)
            pipeline.hset(key, mapping={"values": json.dumps(values), "picture": picture})
            pipeline.pexpire(key, int(LIFETIME_S * 1000))
            try:
                pipeline.execute()
            except OutOfMemoryError:
                return

    @staticmethod
    def newest(bus: Bus, source: str) -> "SourceView | None":
        """Return the source's view, or None if it has expired. Raises BrokerError."""
        with bus.translated_errors():
            found = cast("dict[bytes, bytes]", bus.client.hgetall(_key(bus, source)))
        return _decode(source, found)

    @staticmethod
    def newest_of(bus: Bus, sources: Sequence[str]) -> "dict[str, SourceView]":
        """Return the views of the sources that have one, by name, in one round trip.

        Raises BrokerError.
        """
        with bus.translated_errors():
            pipeline = bus.client.pipeline(transaction=False)
            for source in sources:
                pipeline.hgetall(_key(bus, source))
            found = cast("list[dict[bytes, bytes]]", pipeline.execute())
        views = {
            source: _decode(source, fields) for source, fields in zip(sources, found, strict=True)
        }
        return {source: view for source, view in views.items() if view is not None}


_VIEW: Final = TypeAdapter(SourceView)


def clear_view(bus: Bus, source: str) -> None:
    """Delete the source's view; the next frame makes a new one. Raises BrokerError."""
    with bus.translated_errors():
        bus.client.delete(_key(bus, source))


def _key(bus: Bus, source: str) -> str:
    return bus.key(source, "view")


def _decode(source: str, fields: Mapping[bytes, bytes]) -> SourceView | None:
    if not fields:
        return None
    try:
        values = json.loads(fields[b"values"]) | {"picture": fields[b"picture"]}
        return _VIEW.validate_python(values)
    except (ValueError, KeyError, TypeError) as exc:
        raise BrokerError(
            f"the live view of {source} was written by another version of moodline",
            hint="Run the same version on all hosts",
        ) from exc
