"""Cursor: the state of a reading pass before a key frame, encoded as a message carries it."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position from which reading yields the same frames as a pass from the start.

    frame_index: of the key frame, which is also the count of frames before it. stamp: the key
    frame's timestamp, ticks. dts: its packet's decoding time, ticks; None if the container does
    not seek by it. pos: its packet's byte position. start, shift_us, last_us: the MediaClock
    before it. sampled_out: count before it. corrupt: packets lost up to and including it.
    damaged: frames before it that were left out because of damage.
    """

    frame_index: int
    stamp: int
    dts: int | None
    pos: int | None
    start: int
    shift_us: int
    last_us: int | None
    sampled_out: int
    corrupt: int
    damaged: int = 0

    def encode(self) -> str:
        """Return the cursor as JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """Return the cursor in `text`; None if it is not valid, and reading must start over."""
        try:
            values = json.loads(text)
        except ValueError:
            return None
        if not isinstance(values, dict):
            return None
        values = {"damaged": 0} | values  # Earlier versions read damaged frames.
        if set(values) != set(cls.__slots__):
            return None
        optional = {"dts", "pos", "last_us"}
        for name, value in values.items():
            if not (type(value) is int or (value is None and name in optional)):
                return None
        return cls(**values)
