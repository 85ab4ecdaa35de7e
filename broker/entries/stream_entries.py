"""The fields of a stream entry, and how a worker reads them: what is not signed is not believed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.entries.shared_frames import REFERENCE_BYTES, SharedFrames
from broker.refusals import Refusals
from broker.signing import Signer, chroma_purpose, message_purpose, shared_purpose

MESSAGE_FIELD: Final = b"m"
TAG_FIELD: Final = b"t"
CHROMA_FIELD: Final = b"c"
"""Beside the message: workers of version 0.1 read the message and ignore this field."""
REFERENCE_FIELD: Final = b"s"
"""In place of the message: where it is in shared memory."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a run's stream, with a valid signature for this place.

    data: in shared memory it is valid until the message is dropped from the stream; empty if that
    memory is gone. chroma: of `contracts.chroma.encode_chroma`, with a valid signature too, or
    empty.
    """

    seq: int
    data: bytes | memoryview
    chroma: bytes = b""


class EntryReader:
    """Reads entries of streams. signer: of the connection. refusals: what was not believed."""

    def __init__(self, signer: Callable[[], Signer], refusals: Refusals) -> None:
        self._signer = signer
        self._refusals = refusals
        self._shared = SharedFrames()

    def delivery(self, run_id: str, entry: Any) -> Delivery | None:
        """Return the message of an entry; None if it was not signed for this place."""
        entry_id, fields = entry
        number, _, part = entry_id.partition(b"-")
        seq = int(number)
        data = self._data(run_id, seq, fields)
        if part != b"0" or data is None:
            return None
        return Delivery(seq, data, self._chroma(run_id, seq, fields))

    def forget_run(self, run_id: str) -> None:
        """Give up the shared memory of a run."""
        self._shared.forget(run_id)

    def _data(
        self, run_id: str, seq: int, fields: Mapping[bytes, bytes]
    ) -> bytes | memoryview | None:
        """Return the message; None if its signature is wrong, empty if its memory is gone."""
        tag, reference = fields.get(TAG_FIELD, b""), fields.get(REFERENCE_FIELD)
        if reference is None:
            data = fields.get(MESSAGE_FIELD, b"")
            return (
                data if self._signer().is_valid(message_purpose(run_id, seq), data, tag) else None
            )
        purpose = shared_purpose(run_id, seq)
        if len(reference) != REFERENCE_BYTES or not self._signer().is_valid(
            purpose, reference, tag
        ):
            return None
        return self._shared.read(run_id, reference) or b""

    def _chroma(self, run_id: str, seq: int, fields: Mapping[bytes, bytes]) -> bytes:
        """Return the frame's colour; empty if it has none, or one that was signed for another."""
        signed = fields.get(CHROMA_FIELD)
        if signed is None:
            return b""
        chroma = self._signer().opened(chroma_purpose(run_id, seq), signed)
        if chroma is None:
            self._refusals.note("colour of a frame")
        return chroma or b""
