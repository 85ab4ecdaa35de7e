"""Servers for tests of live sources: faulty connections, TLS, MJPEG, HLS and refusing cameras."""

import asyncio
import io
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Self

import av
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Mode(Enum):
    """The treatment of the camera's data by a FaultProxy."""

    PASS = auto()
    HOLD = auto()
    CUT = auto()
    SPOIL = auto()


class FaultProxy:
    """A TCP proxy between a camera and its reader; a context manager.

    PASS: forward. HOLD: keep the connections and send nothing. CUT: the same, from the middle of a
    frame. SPOIL: change bytes within some frames.
    """

    def __init__(self, target_port: int) -> None:
        self.mode = Mode.PASS
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._chance = random.Random(1)
        self._moved = threading.Condition()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        self.set(Mode.PASS)

    def set(self, mode: Mode) -> None:
        """Change the mode."""
        with self._moved:
            self.mode = mode
            self._moved.notify_all()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
                except OSError:
                    client.close()
                    continue
                server.settimeout(None)
                for pair in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, from_camera: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if from_camera:
                    if self.mode is Mode.CUT and len(data) >= 600:
                        target.sendall(data[: len(data) // 2])
                        data = data[len(data) // 2 :]
                        self.set(Mode.HOLD)
                    data = self._treated(data)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _treated(self, data: bytes) -> bytes:
        with self._moved:
            self._moved.wait_for(lambda: self.mode is not Mode.HOLD)
            if self.mode is not Mode.SPOIL or len(data) < 600 or self._chance.random() > 0.5:
                return data
        # Leave the interleaved and RTP headers: a fault there would end the connection.
        spoiled = bytearray(data)
        for _ in range(20):
            spoiled[self._chance.randrange(100, len(data))] ^= 0xFF
        return bytes(spoiled)


@contextmanager
def http_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[int]:
    """Run an HTTP server that calls `answer` for each GET request; yield its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):
                answer(self)

        def log_message(self, *_arguments: object) -> None:
            """Keep the output of the tests short."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def behind_tls(port: int, folder: Path) -> Iterator[int]:
    """Run a TLS proxy with a self-signed certificate before the server; yield the proxy's port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(folder))

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError), closing(target):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, to_server), pump(from_server, writer))

    async def serve() -> None:
        over = asyncio.Event()
        server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
        end = partial(asyncio.get_running_loop().call_soon_threadsafe, over.set)
        started.put((int(server.sockets[0].getsockname()[1]), end))
        await over.wait()
        server.close()

    started: Queue[tuple[int, Callable[[], object]]] = Queue()
    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    own_port, end = started.get(timeout=10)
    try:
        yield own_port
    finally:
        end()
        thread.join()


def _self_signed(folder: Path) -> Path:
    """Write a key and a self-signed certificate, as cameras are delivered with, to a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "camera.pem"
    path.write_bytes(secret + certificate.public_bytes(pem))
    return path


@contextmanager
def refusing_rtsp_camera() -> Iterator[int]:
    """Run an RTSP camera that refuses every password; yield its port."""

    def refuse(client: socket.socket) -> None:
        with suppress(OSError), client:
            while request := client.recv(65536).decode():
                lines = [line for line in request.splitlines() if ": " in line]
                head = dict(line.split(": ", 1) for line in lines)
                answer = (
                    f"RTSP/1.0 401 Unauthorized\r\nCSeq: {head.get('CSeq', '1')}\r\n"
                    'WWW-Authenticate: Digest realm="camera", nonce="a1b2c3"\r\n\r\n'
                )
                client.sendall(answer.encode())

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=refuse, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield int(listener.getsockname()[1])


def jpeg(size: tuple[int, int], level: int) -> bytes:
    """Return a grey JPEG image. size: width and height in pixels. level: 0 to 255."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p"
        pixels = np.full((size[1], size[0], 3), level, np.uint8)
        for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return memory.getvalue()


def send_mjpeg(handler: BaseHTTPRequestHandler, pictures: Iterator[bytes], wait_s: float) -> None:
    """Send JPEG images as parts of an endless multipart response, `wait_s` apart."""
    handler.send_response(200)
    handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
    handler.end_headers()
    pause = threading.Event()
    for picture in pictures:
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        handler.wfile.write(head.encode() + picture + b"\r\n")
        pause.wait(wait_s)


class SlidingPlaylist:
    """A live HLS stream that repeats one-second segments without end.

    Each round starts with a discontinuity: the times begin at 0 again. Segment number `late_at` is
    delayed by `late_s`.
    """

    _SHOWN = 4

    def __init__(self, segments: list[Path], *, late_at: int, late_s: float) -> None:
        self._segments = [path.read_bytes() for path in segments]
        self._late_at, self._late_s = late_at, late_s
        self._begin_s = time.monotonic()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a request of the playlist or a segment; for `http_server`."""
        if handler.path.endswith(".m3u8"):
            body = self._playlist().encode()
        else:
            number = int(handler.path.strip("/").removesuffix(".ts"))
            if number == self._late_at:
                threading.Event().wait(self._late_s)
            body = self._segments[number % len(self._segments)]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _playlist(self) -> str:
        first = int(time.monotonic() - self._begin_s)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1"]
        rounds = -(-first // len(self._segments))
        lines += [f"#EXT-X-MEDIA-SEQUENCE:{first}", f"#EXT-X-DISCONTINUITY-SEQUENCE:{rounds}"]
        for number in range(first, first + self._SHOWN):
            if number and number % len(self._segments) == 0:
                lines.append("#EXT-X-DISCONTINUITY")
            lines += ["#EXTINF:1.0,", f"{number}.ts"]
        return "\n".join(lines) + "\n"


def hls_segments(recording: Path, folder: Path, seconds: int) -> Path:
    """Write the recording as MPEG-TS segments of that length; return the path of the playlist."""
    playlist = folder / "live.m3u8"
    options = {"hls_time": str(seconds), "hls_list_size": "0", "hls_playlist_type": "vod"}
    with (
        av.open(str(recording)) as source,
        av.open(str(playlist), "w", format="hls", options=options) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return playlist
