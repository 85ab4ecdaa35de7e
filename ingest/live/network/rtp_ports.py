"""RtpPorts: takes a camera's RTP over UDP, for an RTSP session that FFmpeg has over TCP (0068).

FFmpeg never learns of UDP: the relay asks the camera for it, and hands each datagram on as an
interleaved frame.
"""

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

from contracts.errors import RtspError
from ingest.live.network.rtsp_messages import FRAME_MARK

_CHANNELS: Final = re.compile(r"interleaved=(\d{1,3})-(\d{1,3})\b")
_SERVER_PORTS: Final = re.compile(r"server_port=(\d{1,5})(?:-(\d{1,5}))?")
_MAX_TRACKS: Final = 8
_MAX_CHANNEL: Final = 255
_PAIR_TRIES: Final = 50
_LARGEST: Final = 65_535
_BUFFER_BYTES: Final = 4 * 2**20
"""Asked of the kernel: a key frame arrives in a burst."""
_PER_TURN: Final = 64
"""Datagrams read before others get a turn."""
_UNPRIVILEGED: Final = 1024
_OPENERS: Final = (b"\x80" + bytes(11), b"\x80\xc9\x00\x01" + bytes(4))
"""An empty RTP packet and an empty receiver report, as other clients send them: they let the
camera's datagrams pass this host's firewall."""


class RtpPorts:
    """The ports of one session: a pair for each track. Used in the thread of `loop`.

    server: the connection to the camera. Only datagrams from its address count, and to no other
    address is one sent. forward: called with an interleaved frame.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        server: socket.socket,
        forward: Callable[[bytes], None],
    ) -> None:
        self._loop = loop
        self._forward = forward
        self._family = server.family
        self._here, self._there = server.getsockname(), server.getpeername()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []

    def asked(self, transport: str) -> tuple[str, str]:
        """Open a pair of ports for a track. transport: as FFmpeg asks for TCP.

        Return the header for the camera, and the one that answers FFmpeg. Raises RtspError.
        """
        channels = _CHANNELS.search(transport)
        numbers = [int(one) for one in channels.groups()] if channels else []
        if not numbers or max(numbers) > _MAX_CHANNEL or len(self._pairs) >= _MAX_TRACKS:
            raise RtspError("it has more tracks than can be read")
        pair = self._pair()
        self._pairs.append(pair)
        for port, channel in zip(pair, numbers, strict=True):
            self._loop.add_reader(port, self._read, port, FRAME_MARK + bytes([channel]))
        first = pair[0].getsockname()[1]
        return (
            f"RTP/AVP;unicast;client_port={first}-{first + 1}",
            f"RTP/AVP/TCP;unicast;interleaved={numbers[0]}-{numbers[1]}",
        )

    def granted(self, transport: str) -> None:
        """Open the way for the last track. transport: as the camera answers.

        Raises RtspError if the camera does not send over UDP to this host.
        """
        lower = transport.lower()
        if "/tcp" in lower or "interleaved" in lower or "multicast" in lower:
            raise RtspError("it does not send over UDP")
        ports = _SERVER_PORTS.search(lower)
        if ports is None or ip_address(self._there[0].partition("%")[0]).is_loopback:
            return
        first = int(ports[1])
        for port, number, opener in zip(
            self._pairs[-1], (first, int(ports[2] or first + 1)), _OPENERS, strict=True
        ):
            if _UNPRIVILEGED <= number <= _LARGEST:
                with suppress(OSError):  # Then only a firewall of this host could miss it.
                    port.sendto(opener, _at(self._there, number))

    def close(self) -> None:
        """Close the ports."""
        for port in (one for pair in self._pairs for one in pair):
            self._loop.remove_reader(port)
            port.close()
        self._pairs.clear()

    def _pair(self) -> tuple[socket.socket, socket.socket]:
        """Return two ports in a row, the first of them even, as RFC 3550 wants them."""
        for _ in range(_PAIR_TRIES):
            with suppress(OSError):
                first = self._bound(0)
                number = first.getsockname()[1]
                if number % 2 == 0:
                    try:
                        return first, self._bound(number + 1)
                    except OSError:
                        pass
                first.close()
        raise RtspError("no pair of UDP ports is free")

    def _bound(self, number: int) -> socket.socket:
        port = socket.socket(self._family, socket.SOCK_DGRAM)
        try:
            port.setblocking(False)
            port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            port.bind(_at(self._here, number))
        except OSError:
            port.close()
            raise
        return port

    def _read(self, port: socket.socket, head: bytes) -> None:
        for _ in range(_PER_TURN):
            try:
                data, sender = port.recvfrom(_LARGEST)
            except OSError:  # Nothing is left, or an earlier datagram was not wanted there.
                return
            if sender[0] == self._there[0]:
                self._forward(head + len(data).to_bytes(2) + data)


def _at(address: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    """Return the address with another port; an IPv6 address has more parts behind it."""
    return (address[0], number, *address[2:])
