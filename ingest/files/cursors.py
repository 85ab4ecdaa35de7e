"""A cursor: the state of a decode just before a key frame, as the string a message carries."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a decode can be taken up so that everything after equals an undisturbed one.

    frame_index: of the key frame; as many frames were captured before it. stamp: the ticks
    its media time was made from. dts: its packet's, where the container has it. pos: its
    packet's byte position.
    start, shift_us, last_us: the clock before it. sampled_out: before it. corrupt: packets
    lost up to and including it.
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

    def encode(self) -> str:
        """The cursor as JSON; `decode` gives back an equal one."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """The cursor in `text`, or None where it is not one: then a decode starts over."""
        try:
            values = json.loads(text)
        except ValueError:
            return None
        if not isinstance(values, dict) or set(values) != set(cls.__slots__):
            return None
        optional = {"dts", "pos", "last_us"}
        for name, value in values.items():
            if not (type(value) is int or (value is None and name in optional)):
                return None
        return cls(**values)
