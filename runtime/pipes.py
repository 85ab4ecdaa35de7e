"""The pipe protocol between a parent and its child processes: one JSON line a message.

A message is a frozen dataclass that derives from `PipeMessage`. A line holds the name of its type
and its fields.
"""

import json
import os
import selectors
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Generic, Self, TypeVar, cast

_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True)
class PipeMessage:
    """Base of all messages. Override both methods where a field is not a JSON type."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Return the message whose `to_json` gave these fields."""
        return cls(**fields)


Message = TypeVar("Message", bound=PipeMessage)


def send(pipe: int, message: PipeMessage) -> None:
    """Write the message to a pipe. Raises BrokenPipeError when its reader has ended.

    A line of at most PIPE_BUF bytes (4096 on Linux) is written in one piece, so that processes
    can share a pipe; the fields of their messages must be short enough.
    """
    line = json.dumps({"type": type(message).__name__, "fields": message.to_json()})
    unsent = line.encode() + b"\n"
    while unsent:
        unsent = unsent[os.write(pipe, unsent) :]


class MessageReader(Generic[Message]):
    """Reads messages of the given types from a pipe, without waiting for the rest of a line.

    ended: whether every writer has closed the pipe.
    """

    def __init__(self, pipe: int, *types: type[Message]) -> None:
        self.ended = False
        self._pipe = pipe
        self._types = {one.__name__: one for one in types}
        self._unread = b""
        os.set_blocking(pipe, False)

    def fileno(self) -> int:
        """Return the file descriptor, for selectors."""
        return self._pipe

    def read(self, timeout_s: float = 0.0) -> list[Message]:
        """Return the messages that have arrived, and wait up to `timeout_s` if none has.

        Raises ValueError for a line that is not a message of these types.
        """
        if not self.ended and readable([self], timeout_s):
            self._receive()
        *lines, self._unread = self._unread.split(b"\n")
        return [self._decode(line) for line in lines]

    def _receive(self) -> None:
        try:
            while chunk := os.read(self._pipe, _CHUNK):
                self._unread += chunk
        except BlockingIOError:
            return
        self.ended = True

    def _decode(self, line: bytes) -> Message:
        try:
            message = json.loads(line)
            return self._types[message["type"]].from_json(message["fields"])
        except (ValueError, TypeError, KeyError) as exc:
            raise ValueError(f"invalid message in a pipe: {line[:200]!r}") from exc


def readable(
    readers: Sequence[MessageReader[Message]], timeout_s: float
) -> list[MessageReader[Message]]:
    """Return the readers that have something to read or have ended; wait up to `timeout_s`."""
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader, selectors.EVENT_READ)
        ready = [key.fileobj for key, _ in selector.select(timeout_s)]
    return cast(list[MessageReader[Message]], ready)
