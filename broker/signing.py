"""Signatures of the values that processes leave in the broker for each other (HMAC-SHA256).

The key is in the database only. A program that reaches nothing but the broker can delete values,
delay them and repeat old ones, but it cannot make one that a process of moodline believes.
"""

import hashlib
import hmac
from typing import Final

TAG_BYTES: Final = hashlib.sha256().digest_size
_SHORTEST_KEY_BYTES: Final = 16


class Signer:
    """Signs and checks values. purpose: what the value is for, and where it belongs.

    A value that was signed for one purpose is not valid for another one. Raises ValueError if the
    key has less than 16 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _SHORTEST_KEY_BYTES:
            raise ValueError("the broker's key is too short")
        self._key = key

    def tag(self, purpose: str, data: bytes) -> bytes:
        """Return the signature of `data`, TAG_BYTES long."""
        # The length keeps purpose and data apart.
        begin = f"{len(purpose)}:{purpose}:".encode()
        digest = hmac.new(self._key, begin, hashlib.sha256)
        digest.update(data)
        return digest.digest()

    def is_valid(self, purpose: str, data: bytes, tag: bytes) -> bool:
        """Return whether `tag` is the signature of `data`."""
        return hmac.compare_digest(self.tag(purpose, data), tag)

    def signed(self, purpose: str, data: bytes) -> bytes:
        """Return the signature, followed by `data`."""
        return self.tag(purpose, data) + data

    def opened(self, purpose: str, value: bytes) -> bytes | None:
        """Return the data of a signed value; None if the signature is wrong."""
        tag, data = value[:TAG_BYTES], value[TAG_BYTES:]
        return data if self.is_valid(purpose, data, tag) else None


def message_purpose(run_id: str, seq: int) -> str:
    """Return the purpose for which a message of a stream is signed."""
    return f"message/{run_id}/{seq}"


def shared_purpose(run_id: str, seq: int) -> str:
    """Return the purpose for which the place of a message in shared memory is signed."""
    return f"shared/{run_id}/{seq}"


def chroma_purpose(run_id: str, seq: int) -> str:
    """Return the purpose for which the colour of a frame is signed."""
    return f"chroma/{run_id}/{seq}"


def rewind_purpose(run_id: str) -> str:
    """Return the purpose for which a rewind request is signed."""
    return f"rewind/{run_id}"
