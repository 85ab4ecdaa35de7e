"""EntryWriter: makes the entries of one run's stream, and keeps large messages in shared memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from broker.entries.shared_frames import FrameRing
from broker.entries.stream_entries import (
    CHROMA_FIELD,
    MESSAGE_FIELD,
    REFERENCE_FIELD,
    TAG_FIELD,
)
from broker.signing import Signer, chroma_purpose, message_purpose, shared_purpose

_LEAST_SHARED_BYTES: Final = 16 * 1024
"""Smaller messages, such as the end of a run, are not worth shared memory."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The limits of what may wait in the broker for one run. The producer waits at either."""

    max_frames: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that is to be added. size: of the message and its colour, in bytes.

    is_shared: whether the message is in shared memory, and the entry says where.
    """

    seq: int
    fields: Any
    size: int
    is_shared: bool


class EntryWriter:
    """Makes the entries of one run. shares_memory: whether all workers are on this host.

    signer: of the connection.
    """

    def __init__(
        self,
        signer: Callable[[], Signer],
        run_id: str,
        limits: StreamLimits,
        *,
        shares_memory: bool,
    ) -> None:
        self._signer = signer
        self._run_id = run_id
        self._limits = limits
        self._shares_memory = shares_memory
        self._ring: FrameRing | None = None

    @property
    def has_memory(self) -> bool:
        """Whether there is shared memory."""
        return self._ring is not None

    def entry(self, seq: int, data: bytes, chroma: bytes = b"") -> Entry:
        """Return the entry of a message."""
        signer, reference = self._signer(), self._reference(data)
        if reference is None:
            tag = signer.tag(message_purpose(self._run_id, seq), data)
            fields = {MESSAGE_FIELD: data, TAG_FIELD: tag}
        else:
            tag = signer.tag(shared_purpose(self._run_id, seq), reference)
            fields = {REFERENCE_FIELD: reference, TAG_FIELD: tag}
        if chroma:
            purpose = chroma_purpose(self._run_id, seq)
            fields[CHROMA_FIELD] = signer.signed(purpose, chroma)
        return Entry(seq, fields, len(data) + len(chroma), reference is not None)

    def drop_oldest(self) -> None:
        """Free the memory of the first shared entry: workers have committed it."""
        if self._ring is not None:
            self._ring.drop_oldest()

    def drop_newest(self) -> None:
        """Free the memory of the last shared entry: it was not added."""
        if self._ring is not None:
            self._ring.drop_newest()

    def stop_sharing(self) -> None:
        """Make entries without shared memory from now on: a worker could not read it."""
        self._shares_memory = False

    def close(self) -> None:
        """Give up the shared memory, if there is any."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def _reference(self, data: bytes) -> bytes | None:
        """Put a message into shared memory; return its reference, or None if it is not shared."""
        if not self._shares_memory or len(data) < _LEAST_SHARED_BYTES:
            return None
        if self._ring is None:
            # Frames of one run have one size: so many and one more, as they do not wrap around.
            size = min(self._limits.max_bytes, (self._limits.max_frames + 1) * len(data))
            self._ring = FrameRing.create(size)
            self._shares_memory = self._ring is not None
        return self._ring.put(data) if self._ring else None
