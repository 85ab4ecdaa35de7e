"""The live view of a source: its newest picture and faces, kept in broker memory for seconds.

It is never written to disk, and expires unless it is renewed.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Final

from pydantic import Field, TypeAdapter
from redis.exceptions import OutOfMemoryError, RedisError

from broker.bus import Bus
from broker.signing import TAG_BYTES
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import TrackMark
from contracts.frames import LATEST_US, MAX_SIDE

LIFETIME_S: Final = 5.0
MAX_READINGS: Final = 256
LONGEST_VALUES: Final = 128 * 1024
LONGEST_PICTURE: Final = 1024 * 1024
_HEAD: Final = struct.Struct(">QI")
_LONGEST_VALUE: Final = TAG_BYTES + _HEAD.size + LONGEST_VALUES + LONGEST_PICTURE
_JPEG: Final = b"\xff\xd8\xff"

_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_Fraction = Annotated[float, Field(ge=-10.0, le=10.0)]
_Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
_Shares = Annotated[
    tuple[_Share, ...], Field(min_length=len(EXPRESSIONS), max_length=len(EXPRESSIONS))
]
_Emotion = Annotated[str, Field(pattern=f"^({'|'.join(EXPRESSIONS)})$")]


@dataclass(frozen=True, slots=True)
class FaceReading:
    """One face in the newest frame.

    x, y, w, h: the box, as fractions of the frame's width and height. emotion, confidence: the
    smoothed label, None if uncertain, and its probability. probabilities: 7, in EXPRESSIONS order.
    mark: why its track does not count, if so.
    """

    track_id: Annotated[int, Field(ge=0, lt=2**53)]
    x: _Fraction
    y: _Fraction
    w: _Fraction
    h: _Fraction
    emotion: _Emotion | None
    confidence: _Share
    probabilities: _Shares
    mark: TrackMark = TrackMark.PERSON


@dataclass(frozen=True, slots=True)
class SourceView:
    """The newest analysed frame of a source.

    captured_at_us: UTC microseconds. width, height: in pixels. picture: an annotated JPEG, or empty
    if pictures are off.
    """

    source: Annotated[str, Field(max_length=256)]
    run_id: Annotated[str, Field(max_length=24)]
    captured_at_us: Annotated[int, Field(ge=0, le=LATEST_US)]
    width: _Side
    height: _Side
    readings: Annotated[tuple[FaceReading, ...], Field(max_length=MAX_READINGS)]
    picture: bytes = b""

    def publish(self, bus: Bus) -> None:
        """Store the view, or skip it if the broker's memory is full. Raises BrokerError.

        Only the first MAX_READINGS faces are kept.
        """
        values = asdict(self) | {"readings": [asdict(one) for one in self.readings[:MAX_READINGS]]}
        picture = values.pop("picture")
        encoded = json.dumps(values).encode()
        expires_ms = bus.time_ms() + int(LIFETIME_S * 1000)
        data = b"".join((_HEAD.pack(expires_ms, len(encoded)), encoded, picture))
        value = bus.signer.signed(_purpose(self.source), data)
        with bus.translated_errors():
            try:
                bus.client.set(_key(bus, self.source), value, px=int(LIFETIME_S * 1000))
            except OutOfMemoryError:
                return

    @staticmethod
    def newest(bus: Bus, source: str) -> "SourceView | None":
        """Return the source's view, or None if it has expired. Raises BrokerError."""
        return SourceView.newest_of(bus, [source]).get(source)

    @staticmethod
    def newest_of(bus: Bus, sources: Sequence[str]) -> "dict[str, SourceView]":
        """Return the views of the sources that have one, by name, in one round trip.

        What is not a signed view is ignored. Raises BrokerError.
        """
        with bus.translated_errors():
            pipeline = bus.client.pipeline(transaction=False)
            pipeline.time()
            for source in sources:
                pipeline.getrange(_key(bus, source), 0, _LONGEST_VALUE)
            time, *found = pipeline.execute(raise_on_error=False)
            if isinstance(time, RedisError):
                raise time
        now_ms = time[0] * 1000 + time[1] // 1000
        views = {}
        for source, value in zip(sources, found, strict=True):
            if not value:
                continue
            view = None if isinstance(value, RedisError) else _decode(bus, source, value, now_ms)
            if view is None:
                bus.refusals.note("live view")
            else:
                views[source] = view
        return views


_VIEW: Final = TypeAdapter(SourceView)


def clear_view(bus: Bus, source: str) -> None:
    """Delete the source's view; the next frame makes a new one. Raises BrokerError."""
    with bus.translated_errors():
        bus.client.delete(_key(bus, source))


def _key(bus: Bus, source: str) -> str:
    return bus.key(source, "view")


def _purpose(source: str) -> str:
    return f"view/{source}"


def _decode(bus: Bus, source: str, value: bytes, now_ms: int) -> SourceView | None:
    """Return the view in `value`; None if it is not signed, has expired or is out of bounds."""
    data = bus.signer.opened(_purpose(source), value)
    if data is None:
        return None
    expires_ms, length = _HEAD.unpack_from(data)
    encoded, picture = data[_HEAD.size : _HEAD.size + length], data[_HEAD.size + length :]
    too_long = length > LONGEST_VALUES or len(picture) > LONGEST_PICTURE
    if expires_ms <= now_ms or too_long or not (picture.startswith(_JPEG) or not picture):
        return None
    try:
        view: SourceView = _VIEW.validate_json(encoded, strict=True)
    except ValueError:  # Another version wrote it.
        return None
    return replace(view, picture=picture) if view.source == source else None
