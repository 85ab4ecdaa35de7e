"""RTSP messages: read with limits, and written again, so that both ends see the same message."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from contracts.errors import RtspError

_MAX_LINE: Final = 8192
_MAX_LINES: Final = 100
_MAX_BODY: Final = 256 * 1024
_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f]")
_PROTOCOL: Final = "RTSP/1.0"
_STATUS_DIGITS: Final = 3
FRAME_MARK: Final = b"$"
"""The first byte of an interleaved RTP or RTCP frame."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a reply. start: its first line. headers: (name, value) in their order."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def status(self) -> int:
        """The status of a reply; 0 for a request."""
        protocol, _, rest = self.start.partition(" ")
        status = rest.split(" ", 1)[0]
        is_reply = protocol == _PROTOCOL and len(status) == _STATUS_DIGITS and status.isdecimal()
        return int(status) if is_reply else 0

    def get(self, name: str) -> str:
        """Return the first value of a header; "" if there is none."""
        return next(iter(self.get_all(name)), "")

    def get_all(self, name: str) -> list[str]:
        """Return all values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def with_headers(self, added: Iterable[tuple[str, str]], dropped: Iterable[str]) -> "Message":
        """Return the message without the headers `dropped`, and with `added`."""
        names = {name.lower() for name in dropped}
        kept = [(key, value) for key, value in self.headers if key.lower() not in names]
        return Message(
            self.start, [*kept, *((key, value) for key, value in added if value)], self.body
        )

    def encode(self) -> bytes:
        """Return the bytes of the message, with the length of its body."""
        lines = [self.start, *(f"{key}: {value}" for key, value in self.headers)]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


async def read_frame(stream: asyncio.StreamReader) -> bytes:
    """Return the rest of an interleaved frame, behind its mark: channel, length and data."""
    head = await stream.readexactly(3)
    return head + await stream.readexactly(int.from_bytes(head[1:]))


async def read_message(stream: asyncio.StreamReader, first: bytes) -> Message:
    """Return the next message, without its length header. first: its first byte, already read.

    Raises RtspError, and EOFError if the stream ends within it.
    """
    line = (first + await stream.readline()).strip()
    while not line:
        line = await _read_line(stream)
    start = _text(line)
    headers: list[tuple[str, str]] = []
    while line := await _read_line(stream):
        name, colon, value = _text(line).partition(":")
        if len(headers) == _MAX_LINES:
            raise RtspError("too many headers")
        if colon:
            headers.append((name.strip(), value.strip()))
    message = Message(start, headers)
    lengths = set(message.get_all("content-length")) or {"0"}
    length = lengths.pop()
    if lengths or not length.isdecimal() or not length.isascii() or int(length) > _MAX_BODY:
        raise RtspError("an invalid length")
    body = await stream.readexactly(int(length))
    kept = message.with_headers((), dropped=("content-length",))
    return Message(kept.start, kept.headers, body)


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    line = await stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line.strip()


def _text(line: bytes) -> str:
    text = line.decode("latin-1").replace("\t", " ")
    if len(text) > _MAX_LINE or _CONTROL_CHARACTER.search(text):
        raise RtspError("an invalid line")
    return text
