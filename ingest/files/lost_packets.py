"""Which packets of a stream never became a frame, counted where they would have been shown.

A decoder reports some damaged packets and passes over others in silence, and reports come
ahead of the frames that it still holds. So a packet counts as lost when a frame that is shown
after it comes out first. That depends on the file alone, not on where reading began.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

# A stream that falls back by more has started again; its packets are not late but early.
_MAX_LATE_S: Final = 1
# How far decoders reorder, in frames.
MAX_REORDER: Final = 16
# Placeholders for a picture that is repeated or already packed into the packet before.
_PLACEHOLDER_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class PacketOrigin:
    """The packet that a frame came from.

    ordinal: in reading order. pts, dts: ticks. earliest_pts, earliest_dts: of all presented
    packets up to this one.
    """

    ordinal: int
    pts: int | None
    dts: int | None
    pos: int | None
    is_key: bool
    size: int
    earliest_pts: int | None
    earliest_dts: int | None


class LostPackets:
    """Counts the packets that did not become a frame.

    by_pts: whether the container has presentation times; otherwise a packet is given up once
    no reordering can bring it any more, where is_reordered says that there is any. all_shown:
    whether every packet of this codec shows a picture; otherwise only packets that the
    decoder rejects count.
    """

    def __init__(
        self, time_base: Fraction, *, by_pts: bool, is_reordered: bool, all_shown: bool
    ) -> None:
        self._max_late = _MAX_LATE_S / time_base
        self._by_pts = by_pts
        self._reorder = MAX_REORDER if is_reordered else 0
        self._all_shown = all_shown
        self._pending: dict[int, PacketOrigin] = {}
        self._rejected: set[int] = set()
        self.count = 0

    def read(self, origin: PacketOrigin) -> None:
        """A packet that is to be presented goes into the decoder."""
        if self._by_pts and origin.pts is None:
            return
        if self._all_shown and origin.size > _PLACEHOLDER_BYTES:
            self._pending[origin.ordinal] = origin

    def rejected(self, origin: PacketOrigin) -> None:
        """The decoder reported that it could not decode this packet."""
        if self._by_pts and origin.pts is None:
            self.count += 1  # It has no place of its own among the frames.
            return
        self._pending[origin.ordinal] = origin
        self._rejected.add(origin.ordinal)

    def shown(self, origin: PacketOrigin | None, *, is_interlaced: bool) -> None:
        """A frame comes out. A field can have a packet of its own, which shows nothing."""
        if origin is None or is_interlaced:
            self._all_shown = False
        if origin is None:
            return
        self._pending.pop(origin.ordinal, None)
        self._give_up([p for p in self._pending.values() if self._is_before(p, origin)])

    def finish(self) -> None:
        """No frame comes any more."""
        self._give_up(list(self._pending.values()))

    def _give_up(self, packets: list[PacketOrigin]) -> None:
        for packet in packets:
            del self._pending[packet.ordinal]
            self.count += self._all_shown or packet.ordinal in self._rejected
            self._rejected.discard(packet.ordinal)

    def _is_before(self, packet: PacketOrigin, shown: PacketOrigin) -> bool:
        """Whether `packet` would have been shown before `shown`."""
        if not self._by_pts:
            return packet.ordinal < shown.ordinal - self._reorder
        if packet.pts is None or shown.pts is None or packet.pts >= shown.pts:
            return False
        return packet.ordinal < shown.ordinal or shown.pts - packet.pts < self._max_late
