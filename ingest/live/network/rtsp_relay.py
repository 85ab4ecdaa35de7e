"""RtspRelay: stands between FFmpeg and an RTSP server, because FFmpeg follows every redirect.

FFmpeg connects to the relay on loopback, and the relay to the server's checked address. It writes
each reply itself, with the headers that FFmpeg needs and no other: no redirect reaches FFmpeg. It
also answers the server's request for credentials and encrypts rtsps://: FFmpeg has no password.
Where the video is to come over UDP, only the relay knows: FFmpeg gets it over TCP all the same.
"""

import asyncio
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from contracts.errors import RtspError
from ingest.live.network.authenticator import Authenticator
from ingest.live.network.connector import Connector, unverified_tls
from ingest.live.network.rtp_ports import RtpPorts
from ingest.live.network.rtsp_messages import (
    FRAME_MARK,
    Message,
    read_frame,
    read_message,
)
from ingest.live.ssrf_guard import port_of, split_uri

_FORWARDED: Final = frozenset(
    {"session", "transport", "content-base", "content-type", "rtp-info", "public", "range"}
)
"""Headers of replies that FFmpeg gets. Not `location`, and no request for credentials."""
_MIN_FRAME: Final = 4 + 8
"""Head and data of the shortest frame that FFmpeg reads to its end, bytes."""
_MAX_WAITING: Final = 16
_UNAUTHORIZED: Final = 401
_UNSUPPORTED_TRANSPORT: Final = 461
_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
_MAX_UNREAD: Final = 4 * 2**20
"""Bytes that FFmpeg may leave unread before datagrams are dropped."""
_FIRST_REQUEST_S: Final = 2.0
_CLOSE_S: Final = 2.0


@dataclass(slots=True)
class _Request:
    """A request of FFmpeg without a reply yet. number: FFmpeg's CSeq. retried: with credentials.

    transport: the header of the reply to SETUP; "" for that of the server.
    """

    message: Message
    method: str
    uri: str
    number: str
    retried: bool = False
    transport: str = ""


class RtspRelay:
    """Carries one RTSP session, in a thread of its own, until it is closed.

    over_udp: whether the server sends its video over UDP.
    uri: the address for FFmpeg. It holds a secret: the relay serves only the first to name it.
    redirect: where the server redirected to, or "". problem: why the session ended, or "".
    Raises SourceError and OSError if the server cannot be connected to.
    """

    def __init__(
        self, uri: str, connector: Connector, timeout_s: float, *, over_udp: bool = False
    ) -> None:
        self.redirect = self.problem = ""
        parts = split_uri(uri)
        self._timeout_s = timeout_s
        self._authenticator = Authenticator(parts)
        self._tls_host = parts.hostname if parts.scheme == "rtsps" else None
        self._server = connector.connect(uri, timeout_s)
        self._listener = socket.create_server(("127.0.0.1", 0))
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._server_base = f"{parts.scheme}://{host}:{port_of(parts)}"
        self._own_base = (
            f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/{secrets.token_hex(16)}"
        )
        self.uri = self._own_base + parts._replace(scheme="", netloc="", fragment="").geturl()
        self._waiting: dict[str, _Request] = {}
        self._sent = 0
        self._is_playing = False
        self._client: asyncio.StreamWriter | None = None
        self._loop = asyncio.new_event_loop()
        self._ports = RtpPorts(self._loop, self._server, self._forward) if over_udp else None
        self._session = self._loop.create_task(self._serve())
        self._thread = threading.Thread(target=self._run, name="rtsp relay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the session."""
        with suppress(RuntimeError):  # The loop has ended.
            self._loop.call_soon_threadsafe(self._session.cancel)
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._session)
        finally:
            self._loop.close()
            self._listener.close()
            self._server.close()

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                from_server, to_server = await asyncio.open_connection(
                    sock=self._server,
                    ssl=unverified_tls() if self._tls_host else None,
                    server_hostname=self._tls_host,
                )
                from_client, to_client, first = await self._accept()
        except (OSError, TimeoutError) as exc:
            self.problem = str(exc) or "timed out"
            return
        self._client = to_client
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry_requests(first, from_client, to_server))
                both.create_task(self._carry_replies(from_server, to_server, to_client))
        except* RtspError as group:
            self.problem = str(group.exceptions[0])
        except* (OSError, EOFError, ValueError):
            pass  # FFmpeg closed the connection.
        finally:
            if self._ports is not None:
                self._ports.close()
            to_client.close()
            to_server.close()
            # So that FFmpeg gets what was written before.
            await asyncio.gather(to_client.wait_closed(), return_exceptions=True)

    async def _accept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Message]:
        """Return FFmpeg's connection and first request; close those of other processes."""
        admitted: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter, Message]] = (
            self._loop.create_future()
        )

        async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, EOFError, RtspError, ValueError, TimeoutError):
                async with asyncio.timeout(_FIRST_REQUEST_S):
                    first = await read_message(reader, await reader.readexactly(1))
                if self._own_base in first.start and not admitted.done():
                    admitted.set_result((reader, writer, first))
                    return
            writer.close()

        server = await asyncio.start_server(admit, sock=self._listener)
        try:
            return await admitted
        finally:
            server.close()

    async def _carry_requests(
        self, first: Message, client: asyncio.StreamReader, server: asyncio.StreamWriter
    ) -> None:
        """Send FFmpeg's requests and RTCP frames to the server."""
        self._send(self._request_of(first), server)
        while True:
            mark = await client.readexactly(1)
            if mark == FRAME_MARK:
                report = mark + await read_frame(client)
                if self._ports is None:  # Over UDP nothing of FFmpeg leaves this host.
                    server.write(report)
            else:
                self._send(self._request_of(await read_message(client, mark)), server)
            await server.drain()

    async def _carry_replies(
        self,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        """Send the server's replies, and its frames after the reply to PLAY, to FFmpeg."""
        while True:
            try:
                mark = await server.readexactly(1)
                if mark == FRAME_MARK:
                    answer = mark + await read_frame(server)
                    if not self._is_playing or len(answer) < _MIN_FRAME:
                        continue
                else:
                    answer = self._reply_to(await read_message(server, mark), to_server)
            except (OSError, EOFError, ValueError) as exc:
                raise RtspError(str(exc) or "it closed the connection") from exc
            client.write(answer)
            await client.drain()

    def _forward(self, frame: bytes) -> None:
        """Hand a datagram to FFmpeg, or drop it if FFmpeg is far behind."""
        client = self._client
        if client is None or not self._is_playing or len(frame) < _MIN_FRAME:
            return
        if client.transport.get_write_buffer_size() < _MAX_UNREAD:
            client.write(frame)

    def _request_of(self, message: Message) -> _Request:
        method, _, rest = message.start.partition(" ")
        uri = rest.rpartition(" ")[0].replace(self._own_base, self._server_base, 1)
        request = _Request(message, method, uri, message.get("cseq"))
        if method == "SETUP" and self._ports is not None:
            asked, request.transport = self._ports.asked(message.get("transport"))
            request.message = message.with_headers([("Transport", asked)], ("transport",))
        return request

    def _send(self, request: _Request, server: asyncio.StreamWriter) -> None:
        self._sent += 1
        number = str(self._sent)
        if len(self._waiting) >= _MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[number] = request
        added = [
            ("CSeq", number),
            ("Authorization", self._authenticator.header(request.method, request.uri)),
        ]
        headers = request.message.with_headers(added, ("cseq", "authorization")).headers
        start = f"{request.method} {request.uri} RTSP/1.0"
        server.write(Message(start, headers, request.message.body).encode())

    def _reply_to(self, message: Message, server: asyncio.StreamWriter) -> bytes:
        """Return the reply for FFmpeg; b"" if there is none, or a request is sent once more.

        Raises RtspError if the server redirects, or sends something that is not RTSP.
        """
        status = message.status
        if not status:
            self._refuse(message, server)
            return b""
        request = self._waiting.pop(message.get("cseq"), None)
        if request is None or status < _OK:
            return b""
        if status == _UNAUTHORIZED and not request.retried:
            request.retried = True
            if self._authenticator.accept(message.get_all("www-authenticate")):
                self._send(request, server)
                return b""
        if status in _REDIRECTS:
            self.redirect = message.get("location")
            raise RtspError("it redirects")
        if status == _UNSUPPORTED_TRANSPORT:
            raise RtspError(f"it does not send over {'TCP' if self._ports is None else 'UDP'}")
        if status == _OK and request.method == "PLAY":
            self._is_playing = True
        if status == _OK and request.transport and self._ports is not None:
            self._ports.granted(message.get("transport"))
            transport = [("Transport", request.transport)]
            message = message.with_headers(transport, ("transport",))
        headers = [one for one in message.headers if one[0].lower() in _FORWARDED]
        start = f"RTSP/1.0 {status} {'OK' if status == _OK else 'Error'}"
        return Message(start, [("CSeq", request.number), *headers], message.body).encode()

    @staticmethod
    def _refuse(request: Message, server: asyncio.StreamWriter) -> None:
        """Answer a request of the server. Raises RtspError if it is not one."""
        method, *_, protocol = request.start.split(" ")
        if protocol != "RTSP/1.0":
            raise RtspError("it does not speak RTSP")
        start = "RTSP/1.0 200 OK" if method == "OPTIONS" else "RTSP/1.0 501 Not Implemented"
        server.write(Message(start, [("CSeq", request.get("cseq"))]).encode())
