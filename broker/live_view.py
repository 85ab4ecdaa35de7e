"""What a live source shows now: its newest picture and who is in it, in broker memory for seconds.

Nothing of it is ever written to disk, and it is gone when nobody renews it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self, cast

from redis.exceptions import OutOfMemoryError

from broker.bus import Bus
from contracts.errors import BrokerError

KEPT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One face now. x, y, w, h: shares of the picture's width and height. emotion: None is
    uncertain. confidence: of the smoothed label, 0..1.
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
class View:
    """The newest analysed frame of a source. picture: JPEG, annotated; empty where it is off."""

    source: str
    run_id: str
    captured_at_us: int
    width: int
    height: int
    readings: tuple[Reading, ...]
    picture: bytes = b""

    def show(self, bus: Bus) -> None:
        """Put it in the broker's memory. Where there is no room it is left out: frames matter."""
        values = asdict(self)
        picture = values.pop("picture")
        key = _key(bus, self.source)
        with bus.errors():
            pipeline = bus.client.pipeline(transaction=True)
            pipeline.hset(key, mapping={"values": json.dumps(values), "picture": picture})
            pipeline.pexpire(key, int(KEPT_S * 1000))
            try:
                pipeline.execute()
            except OutOfMemoryError:
                return

    @classmethod
    def newest(cls, bus: Bus, source: str) -> Self | None:
        """What the source shows now; None when it shows nothing. Raises BrokerError."""
        with bus.errors():
            found = cast("dict[bytes, bytes]", bus.client.hgetall(_key(bus, source)))
        return cls._read(source, found)

    @classmethod
    def newest_of(cls, bus: Bus, sources: Sequence[str]) -> dict[str, Self]:
        """The same of several, by name, in one round trip; those that show nothing are left out."""
        with bus.errors():
            pipeline = bus.client.pipeline(transaction=False)
            for source in sources:
                pipeline.hgetall(_key(bus, source))
            found = cast("list[dict[bytes, bytes]]", pipeline.execute())
        views = {source: cls._read(source, one) for source, one in zip(sources, found, strict=True)}
        return {source: view for source, view in views.items() if view is not None}

    @classmethod
    def _read(cls, source: str, found: Mapping[bytes, bytes]) -> Self | None:
        if not found:
            return None
        try:
            values = json.loads(found[b"values"])
            readings = tuple(
                Reading(**one | {"probabilities": tuple(one["probabilities"])})
                for one in values.pop("readings")
            )
            return cls(**values, readings=readings, picture=found[b"picture"])
        except (ValueError, KeyError, TypeError) as exc:
            raise BrokerError(f"the live view of {source} is of another version") from exc


def forget(bus: Bus, source: str) -> None:
    """Show nothing of the source any more, until its next picture. Raises BrokerError."""
    with bus.errors():
        bus.client.delete(_key(bus, source))


def _key(bus: Bus, source: str) -> str:
    return bus.key(source, "view")
