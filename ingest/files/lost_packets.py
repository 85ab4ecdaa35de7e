"""LostPackets: counts the packets of a recording that never become a frame.

A decoder reports some damaged packets and skips others silently, and it reports them before the
earlier frames that it still holds. So a packet counts as lost as soon as a frame comes out that is
shown after it. This depends only on the file, not on where reading began.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

# After a larger step back the stream has restarted: its packets are early, not late.
_MAX_LATE_S: Final = 1
# Most frames by which decoders reorder.
MAX_REORDER: Final = 16
# Packets up to this size stand for a repeated frame, or one contained in the previous packet.
_PLACEHOLDER_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class PacketOrigin:
    """The packet of a frame.

    ordinal: in reading order, from 1. pts, dts: ticks. pos: byte position. size: bytes.
    is_reference: whether other frames may refer to its frame. earliest_pts, earliest_dts: of all
    packets up to this one that no edit list trims.
    """

    ordinal: int
    pts: int | None
    dts: int | None
    pos: int | None
    is_key: bool
    is_reference: bool
    size: int
    earliest_pts: int | None
    earliest_dts: int | None


class LostPackets:
    """Counts the packets that do not become a frame: `count`, in presentation order.

    references: the count of those to which other frames may refer.

    by_pts: whether the container has presentation times. If not, a packet is lost once the decoder
    can no longer have reordered it; is_reordered: whether the codec reorders at all. all_shown:
    whether every packet of this codec is shown; if not, only rejected packets count.
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
        self.count = self.references = 0

    def note_packet(self, origin: PacketOrigin) -> None:
        """Note that a packet goes into the decoder."""
        if self._by_pts and origin.pts is None:
            return
        if self._all_shown and origin.size > _PLACEHOLDER_BYTES:
            self._pending[origin.ordinal] = origin

    def note_rejected(self, origin: PacketOrigin) -> None:
        """Note that the decoder could not decode this packet."""
        if self._by_pts and origin.pts is None:
            self._count(origin)  # Its place among the frames is not known.
            return
        self._pending[origin.ordinal] = origin
        self._rejected.add(origin.ordinal)

    def note_frame(self, origin: PacketOrigin | None, *, is_interlaced: bool) -> None:
        """Note that a frame came out. The second field of a frame may have its own packet."""
        if origin is None or is_interlaced:
            self._all_shown = False
        if origin is None:
            return
        self._pending.pop(origin.ordinal, None)
        self._count_lost([p for p in self._pending.values() if self._is_before(p, origin)])

    def finish(self) -> None:
        """Count the packets still pending, at the end of the stream."""
        self._count_lost(list(self._pending.values()))

    def _count_lost(self, packets: list[PacketOrigin]) -> None:
        for packet in packets:
            del self._pending[packet.ordinal]
            if self._all_shown or packet.ordinal in self._rejected:
                self._count(packet)
            self._rejected.discard(packet.ordinal)

    def _count(self, packet: PacketOrigin) -> None:
        self.count += 1
        self.references += packet.is_reference

    def _is_before(self, packet: PacketOrigin, shown: PacketOrigin) -> bool:
        """Return whether `packet` would have been shown before `shown`."""
        if not self._by_pts:
            return packet.ordinal < shown.ordinal - self._reorder
        if packet.pts is None or shown.pts is None or packet.pts >= shown.pts:
            return False
        return packet.ordinal < shown.ordinal or shown.pts - packet.pts < self._max_late
