"""FrameMessage and End: the messages on a run's stream, and their encoding.

Layout, big-endian: magic "ML", version, kind, length of the header, length of the body, header,
body. The header is a JSON object; the body is raw pixels. Decoding checks everything, as another
version or another program may have written the message.
"""

import json
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from contracts.chroma import chroma_bytes
from contracts.errors import FrameDecodeError

VERSION: Final = 1
MAX_SIDE: Final = 8192
MAX_HEADER_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = MAX_SIDE * MAX_SIDE
_MAGIC: Final = b"ML"
_PREFIX: Final = struct.Struct(">2sBcII")
MAX_COUNT: Final = 2**53
"""The largest seq, frame index, counter and media time: a float holds it exactly."""
EARLIEST_US: Final = -62_000_000_000 * 10**6
LATEST_US: Final = 32_503_680_000 * 10**6
"""The range of capture times: the years 5 to 3000. Others cannot be stored as a datetime."""
LEAST_DWELL_LIMIT_US: Final = 1_000_000
"""Within a second, a frame stands for the time beside it, however fast its source is."""
MAX_DWELL_US: Final = 24 * 3600 * 1_000_000
"""A frame stands for a day at most."""
_MAX_TEXT: Final = 16 * 1024
_MAX_CAUSES: Final = 32
_MAX_NAME: Final = 64
_INT64: Final = 2**63 - 1


class DropCause(StrEnum):
    """The reason why a captured frame is not analysed. Each cause has its own count.

    corrupt: the frame did not decode, or damage can show in it. newest: a newer frame replaced it
    while the stream was full. broker_full: the broker had no memory left. broker_lost: the broker
    accepted the frame and then lost it. poison: the frame crashes every worker that reads it.
    """

    CORRUPT = "corrupt"
    NEWEST = "newest"
    BROKER_FULL = "broker_full"
    BROKER_LOST = "broker_lost"
    POISON = "poison"


@dataclass(frozen=True, slots=True)
class Counters:
    """The totals of a run up to a message. The worker stores the differences.

    captured: decoded frames, and packets that did not decode. sampled_out: captured frames that
    sampling left out. dropped: lost frames by DropCause; `corrupt` counts packets that did not
    decode, and frames in which the damage can show.
    """

    captured: int = 0
    sampled_out: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrameMessage:
    """One frame to analyse. Raises FrameDecodeError for values out of bounds.

    seq: ordinal among the published frames, from 1. frame_index: ordinal among the decoded frames,
    from 0. media_time_us: presentation time since the start of the stream, microseconds.
    captured_at_us: UTC, microseconds since 1970. luma: 8 bits a pixel, row by row, width x height.
    display_width, display_height: size of the source after rotation and sample aspect ratio;
    boxes are in these pixels. cursor: position from which a reader resumes with this frame; empty
    except on key frames. chroma: of `contracts.chroma`, or empty; it is not encoded. dwell_us: the
    time after it that the frame stands for; None if it stands for the time since the frame before,
    up to dwell_limit_us. See docs/decisions/0038.
    """

    run_id: str
    seq: int
    frame_index: int
    media_time_us: int
    captured_at_us: int
    width: int
    height: int
    display_width: int
    display_height: int
    counters: Counters
    luma: bytes | memoryview
    cursor: str = ""
    chroma: bytes = b""
    dwell_us: int | None = None
    dwell_limit_us: int = LEAST_DWELL_LIMIT_US

    def __post_init__(self) -> None:
        _check_counts(self)
        for name in ("dwell_us", "dwell_limit_us"):
            if not 0 <= (getattr(self, name) or 0) <= MAX_DWELL_US:
                raise FrameDecodeError(f"{name} {getattr(self, name)} is out of bounds")
        if not EARLIEST_US <= self.captured_at_us <= LATEST_US:
            raise FrameDecodeError(f"captured_at_us {self.captured_at_us} is not a time")
        if abs(self.media_time_us) > MAX_COUNT:
            raise FrameDecodeError(f"media_time_us {self.media_time_us} is out of bounds")
        for name in ("width", "height", "display_width", "display_height"):
            if not 1 <= getattr(self, name) <= MAX_SIDE:
                raise FrameDecodeError(f"{name} {getattr(self, name)} is not in 1..{MAX_SIDE}")
        if len(self.luma) != self.width * self.height:
            raise FrameDecodeError(
                f"{len(self.luma)} bytes of luma for {self.width}x{self.height} pixels"
            )
        if len(self.chroma) not in {0, chroma_bytes(self.width, self.height)}:
            raise FrameDecodeError(f"{len(self.chroma)} bytes of chroma do not fit the luma")

    def encode(self) -> bytes:
        """Return the message as bytes, from which `decode` makes an equal one without chroma."""
        header = {name: getattr(self, name) for name in _FRAME_FIELDS}
        return _pack(b"F", header, self.counters, self.luma)


@dataclass(frozen=True, slots=True)
class End:
    """The last message of a run. Raises FrameDecodeError for values out of bounds.

    seq: one more than the last frame's. frames_total: frames that the source decoded to.
    error: the reason why the source stopped early; empty if it ended.
    """

    run_id: str
    seq: int
    frames_total: int
    counters: Counters
    error: str = ""

    def __post_init__(self) -> None:
        _check_counts(self)

    def encode(self) -> bytes:
        """Return the message as bytes, from which `decode` makes an equal message."""
        header = {name: getattr(self, name) for name in _END_FIELDS}
        return _pack(b"E", header, self.counters, b"")


_FRAME_FIELDS: Final = (
    "run_id",
    "seq",
    "frame_index",
    "media_time_us",
    "captured_at_us",
    "width",
    "height",
    "display_width",
    "display_height",
    "cursor",
    "dwell_us",
    "dwell_limit_us",
)
_END_FIELDS: Final = ("run_id", "seq", "frames_total", "error")


def decode(data: bytes | memoryview) -> FrameMessage | End:
    """Return the message in `data`. Raises FrameDecodeError if it is not exactly one message.

    The luma is a view of `data`, not a copy.
    """
    if len(data) < _PREFIX.size:
        raise FrameDecodeError(f"truncated message: {len(data)} bytes")
    magic, version, kind, header_length, body_length = _PREFIX.unpack_from(data)
    if magic != _MAGIC:
        raise FrameDecodeError("not a moodline message")
    if version != VERSION:
        raise FrameDecodeError(
            f"message version {version} is not supported; this is version {VERSION}",
            hint="Run the same version of moodline in every ingestor and worker",
        )
    if header_length > MAX_HEADER_BYTES or body_length > MAX_BODY_BYTES:
        raise FrameDecodeError(f"message of {header_length} + {body_length} bytes is too large")
    if len(data) != _PREFIX.size + header_length + body_length:
        raise FrameDecodeError("the message's length is not the one in its header")
    header = _Header.parse(bytes(data[_PREFIX.size : _PREFIX.size + header_length]))
    body = memoryview(data)[_PREFIX.size + header_length :]
    if kind == b"F":
        return header.frame(body)
    if kind == b"E" and not body:
        return header.end()
    raise FrameDecodeError(f"unknown message kind {kind!r}")


def _pack(
    kind: bytes, header: dict[str, Any], counters: Counters, body: bytes | memoryview
) -> bytes:
    header |= {
        "captured": counters.captured,
        "sampled_out": counters.sampled_out,
        "dropped": counters.dropped,
    }
    encoded = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((_PREFIX.pack(_MAGIC, VERSION, kind, len(encoded), len(body)), encoded, body))


def _check_counts(message: FrameMessage | End) -> None:
    if not message.run_id:
        raise FrameDecodeError("message without a run_id")
    if not 1 <= message.seq <= MAX_COUNT:
        raise FrameDecodeError(f"seq {message.seq} is not in 1..{MAX_COUNT}")
    ordinal = message.frame_index if isinstance(message, FrameMessage) else message.frames_total
    if not 0 <= ordinal <= MAX_COUNT:
        raise FrameDecodeError(f"frame count {ordinal} is not in 0..{MAX_COUNT}")
    counters = message.counters
    counts = (counters.captured, counters.sampled_out, *counters.dropped.values())
    if min(counts) < 0 or max(counts) > MAX_COUNT:
        raise FrameDecodeError(f"a counter is not in 0..{MAX_COUNT}")
    if len(counters.dropped) > _MAX_CAUSES:
        raise FrameDecodeError(f"{len(counters.dropped)} causes of drops are too many")


@dataclass(frozen=True, slots=True)
class _Header:
    """The JSON header of a message; its methods check the type of each value."""

    values: dict[str, Any]

    @classmethod
    def parse(cls, encoded: bytes) -> Self:
        try:
            values = json.loads(encoded)
        except (ValueError, RecursionError) as exc:
            raise FrameDecodeError("message header is not JSON") from exc
        if not isinstance(values, dict):
            raise FrameDecodeError("message header is not an object")
        return cls(values)

    def frame(self, body: memoryview) -> FrameMessage:
        return FrameMessage(
            run_id=self._text("run_id"),
            seq=self._integer("seq"),
            frame_index=self._integer("frame_index"),
            media_time_us=self._integer("media_time_us"),
            captured_at_us=self._integer("captured_at_us"),
            width=self._integer("width"),
            height=self._integer("height"),
            display_width=self._integer("display_width"),
            display_height=self._integer("display_height"),
            counters=self._counters(),
            luma=body,
            cursor=self._text("cursor"),
            dwell_us=self._dwell_us(),
            dwell_limit_us=self._dwell_limit_us(),
        )

    def end(self) -> End:
        return End(
            run_id=self._text("run_id"),
            seq=self._integer("seq"),
            frames_total=self._integer("frames_total"),
            counters=self._counters(),
            error=self._text("error"),
        )

    def _counters(self) -> Counters:
        dropped = self.values.get("dropped")
        if not isinstance(dropped, dict):
            raise FrameDecodeError("dropped is not an object")
        return Counters(
            captured=self._integer("captured"),
            sampled_out=self._integer("sampled_out"),
            dropped={cause: _integer(f"dropped[{cause}]", n) for cause, n in dropped.items()},
        )

    def _integer(self, name: str) -> int:
        return _integer(name, self.values.get(name))

    def _dwell_us(self) -> int | None:
        return None if self.values.get("dwell_us") is None else self._integer("dwell_us")

    def _dwell_limit_us(self) -> int:
        name = "dwell_limit_us"  # Messages of earlier versions have none.
        return self._integer(name) if name in self.values else LEAST_DWELL_LIMIT_US

    def _text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise FrameDecodeError(f"{name} is not a string of at most {_MAX_TEXT} characters")
        return value


def _integer(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _INT64:
        raise FrameDecodeError(f"{name[:_MAX_NAME]} is not a 64-bit integer")
    return value
