"""SSRF: no camera, redirect, playlist or name server leads a connection to a host not allowed."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import av
import pytest
from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.live_sources import LiveState
from contracts.settings import Settings
from dashboard.web.services import SourceForm
from ingest.live.network.connector import Connector
from ingest.live.network.rtsp_relay import RtspRelay
from ingest.live.opening import open_live
from ingest.live.reader import LiveReader
from ingest.live.ssrf_guard import check_form_address
from ingest.live.uris import cannot_open
from moodline.adapters.sources import SourceEditor
from tests.cameras import hls_segments, http_server, jpeg, send_mjpeg
from tests.media import VideoSpec, steady, write_video
from tests.rtsp import RtspCamera

LONG_S = 60.0
Answer = Callable[[str, dict[str, str]], str]


class Target:
    """A listener on another loopback address that must never see a connection."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.9", 0))
        self.port = int(self._listener.getsockname()[1])

    def assert_untouched(self) -> None:
        """The kernel would have accepted a connection already."""
        self._listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            self._listener.accept()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def target() -> Iterator[Target]:
    one = Target()
    yield one
    one.close()


@contextmanager
def rtsp_server(answer: Answer, port: int = 0) -> Iterator[int]:
    """Run an RTSP server that sends `answer(request line, headers)`, as it is; yield its port."""

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rb") as lines:
            while first := lines.readline().decode().strip():
                headers = {}
                while line := lines.readline().decode().strip():
                    name, _, value = line.partition(": ")
                    headers[name] = value
                client.sendall(answer(first, headers).encode())

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield int(listener.getsockname()[1])


def reply(status: str, headers: dict[str, str], *more: str, body: str = "") -> str:
    """Return an RTSP reply to the request with these headers."""
    if body:
        more = (*more, f"Content-Length: {len(body)}")
    return "\r\n".join([f"RTSP/1.0 {status}", f"CSeq: {headers['CSeq']}", *more, "", body])


SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"


@pytest.mark.parametrize("step", ["OPTIONS", "DESCRIBE", "SETUP"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary"])
def test_a_redirect_of_an_rtsp_camera_is_not_followed_to_this_host(
    target: Target, step: str, status: str
) -> None:
    def answer(first: str, headers: dict[str, str]) -> str:
        if first.startswith(step):
            return reply(status, headers, f"Location: rtsp://127.0.0.9:{target.port}/live")
        body = SDP if first.startswith("DESCRIBE") else ""
        return reply("200 OK", headers, "Content-Type: application/sdp", body=body)

    with rtsp_server(answer) as port, pytest.raises(SourceError) as raised:
        open_live(f"rtsp://127.0.0.1:{port}/live")
    assert "not allowed" in raised.value.detailed_line()
    target.assert_untouched()


def test_a_running_source_is_not_led_astray_by_a_camera_that_turns_bad(
    target: Target, tmp_path: Path
) -> None:
    write_video(tmp_path / "clip.mp4", steady(50), VideoSpec(gop=25))
    asked = threading.Event()

    def turned_bad(_first: str, headers: dict[str, str]) -> str:
        asked.set()
        return reply("302 Found", headers, f"Location: rtsp://127.0.0.9:{target.port}/live")

    with RtspCamera(tmp_path, tmp_path / "rtsp.log") as camera:
        uri = camera.url("clip.mp4")
        with LiveReader(uri, fps=None, max_side=640) as reader:
            assert reader.take(LONG_S) is not None
            camera.kill()
            with rtsp_server(turned_bad, camera.port):
                assert asked.wait(LONG_S)
                asked.clear()
                assert asked.wait(LONG_S), "the first answer was taken, and the source tried again"
                assert reader.condition.state is LiveState.BACKING_OFF
    target.assert_untouched()


def test_a_redirect_to_an_allowed_host_is_followed_without_the_password(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", steady(50), VideoSpec(gop=25))
    seen: list[dict[str, str]] = []
    with RtspCamera(tmp_path, tmp_path / "rtsp.log") as camera:

        def answer(_first: str, headers: dict[str, str]) -> str:
            seen.append(headers)
            if "Authorization" not in headers:
                challenge = 'WWW-Authenticate: Digest realm="door", nonce="n1", qop="auth"'
                return reply("401 Unauthorized", headers, challenge)
            return reply("302 Found", headers, f"Location: {camera.url('clip.mp4')}")

        with rtsp_server(answer) as port:
            live = open_live(f"rtsp://me:s3cret@localhost:{port}/live", ["127.0.0.1"])
            assert next(live.frames()).image.width == 128
            live.close()
    assert 'username="me"' in seen[-1]["Authorization"] and "s3cret" not in str(seen)
    assert f'uri="rtsp://localhost:{port}/live"' in seen[-1]["Authorization"]


def test_endless_redirects_end() -> None:
    ports: list[int] = []

    def answer(_first: str, headers: dict[str, str]) -> str:
        return reply("302 Found", headers, f"Location: rtsp://127.0.0.1:{ports[0]}/live")

    with rtsp_server(answer) as port:
        ports.append(port)
        with pytest.raises(SourceError) as raised:
            open_live(f"rtsp://127.0.0.1:{port}/live")
    assert "more than 5 times" in raised.value.detail


def smuggled(headers: dict[str, str], location: str) -> list[str]:
    """Replies that hide a redirect from a relay that reads them less strictly than FFmpeg."""
    hidden = f"RTSP/1.0 302 Found\r\nCSeq: {headers['CSeq']}\r\nLocation: {location}\r\n\r\n"
    number = f"CSeq: {headers['CSeq']}"
    short_frame = "$\x00\x00\x02" + "xx"
    return [
        reply("200 OK", headers, f"Location: {location}") + hidden,
        reply("200 OK", headers, "Content-Length: 0", f"Content-Length: {len(hidden)}") + hidden,
        reply("200 OK", headers, "Content-Length: -1") + hidden,
        reply("200 OK", headers, "Content-Length: 99999999999") + hidden,
        short_frame + hidden,
        f"RTSP/1.0 100 Continue\r\n{number}\r\n\r\n{hidden}",
        f"RTSP/1.0 +302 Found\r\n{number}\r\nLocation: {location}\r\n\r\n",
        f"RTSP/1.0\t302 Found\r\n{number}\r\nLocation: {location}\r\n\r\n",
        f"RTSP/2.0 302 Found\r\n{number}\r\nLocation: {location}\r\n\r\n",
        f"RTSP/1.0 302 Found\n{number}\nLocation: {location}\n\n",
        f"REDIRECT * RTSP/1.0\r\n{number}\r\nLocation: {location}\r\n\r\n",
        f"HTTP/1.1 302 Found\r\nLocation: http://{location}\r\n\r\n",
        reply("401 Unauthorized", headers, f"Session: 1\rLocation: {location}") + hidden,
    ]


@pytest.mark.parametrize("number", range(13))
@pytest.mark.parametrize("step", ["OPTIONS", "DESCRIBE", "SETUP"])
def test_no_redirect_is_smuggled_past_the_relay(target: Target, step: str, number: int) -> None:
    def answer(first: str, headers: dict[str, str]) -> str:
        if first.startswith(step):
            return smuggled(headers, f"rtsp://127.0.0.9:{target.port}/live")[number]
        body = SDP if first.startswith("DESCRIBE") else ""
        return reply("200 OK", headers, "Content-Type: application/sdp", body=body)

    with rtsp_server(answer) as port:
        uri, connector = f"rtsp://127.0.0.1:{port}/live", Connector("127.0.0.1")
        relay = RtspRelay(uri, connector, LONG_S)
        options = {"rtsp_transport": "tcp", "protocol_whitelist": "tcp"}
        with pytest.raises((av.FFmpegError, OSError)):
            av.open(relay.uri, options=options, timeout=1.0)
        relay.close()
    target.assert_untouched()


def test_a_camera_cannot_choose_udp(target: Target) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.9", 0))
        port = datagrams.getsockname()[1]
        transport = (
            "Transport: RTP/AVP/UDP;unicast;client_port=5000-5001;source=127.0.0.9"
            f";server_port={port}-{port + 1}"
        )

        def answer(first: str, headers: dict[str, str]) -> str:
            body = SDP if first.startswith("DESCRIBE") else ""
            more = [transport, "Session: 1"] if first.startswith("SETUP") else []
            return reply("200 OK", headers, "Content-Type: application/sdp", *more, body=body)

        with rtsp_server(answer) as rtsp_port, pytest.raises(SourceError):
            open_live(f"rtsp://127.0.0.1:{rtsp_port}/live")
        datagrams.setblocking(False)
        with pytest.raises(BlockingIOError):
            datagrams.recv(1)


def test_the_relay_serves_only_the_process_that_knows_its_secret(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", steady(50), VideoSpec(gop=25))
    with RtspCamera(tmp_path, tmp_path / "rtsp.log") as camera:
        relay = RtspRelay(camera.url("clip.mp4"), Connector("127.0.0.1"), LONG_S)
        port = int(relay.uri.split("/")[2].partition(":")[2])
        for request in (
            f"OPTIONS rtsp://127.0.0.1:{port}/clip.mp4 RTSP/1.0\r\nCSeq: 1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "$\x00\x00\x01x",
        ):
            with socket.create_connection(("127.0.0.1", port), LONG_S) as stranger:
                stranger.sendall(request.encode())
                with suppress(ConnectionResetError):
                    assert stranger.recv(1) == b""
        options = {"rtsp_transport": "tcp", "protocol_whitelist": "tcp"}
        with av.open(relay.uri, options=options, timeout=LONG_S) as container:
            assert container.streams.video
            with pytest.raises(OSError, match="refused"):
                socket.create_connection(("127.0.0.1", port), LONG_S)
        relay.close()


class MovingName:
    """A name server whose name `camera.test` has one address first, and then another."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
        self._addresses = list(addresses)
        self._real = socket.getaddrinfo
        monkeypatch.setattr("socket.getaddrinfo", self.getaddrinfo)

    def getaddrinfo(self, host: str, port: int | None, *args: Any, **kwargs: Any) -> Any:
        if host == "camera.test":
            host = self._addresses.pop(0) if len(self._addresses) > 1 else self._addresses[0]
        return self._real(host, port, *args, **kwargs)


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_a_name_that_moves_to_this_host_is_not_connected_to(
    target: Target, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    MovingName(monkeypatch, "192.168.77.7", "127.0.0.9")
    uri = f"{scheme}://camera.test:{target.port}/live"
    check_form_address(uri)
    with pytest.raises(SourceError) as raised:
        open_live(uri)
    assert "not allowed" in raised.value.detailed_line()
    target.assert_untouched()


def test_the_checked_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that moves between the check and the connection: it is resolved once for both."""
    MovingName(monkeypatch, "192.168.77.7", "127.0.0.9")
    connected: list[str] = []

    def connect(address: tuple[str, int], _timeout: float) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.create_connection", connect)
    with pytest.raises(SourceError):
        open_live("http://camera.test/live")
    assert connected == ["192.168.77.7"]


def test_one_refused_address_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    connector = Connector(resolve=lambda _host: ["192.168.77.7", "169.254.169.254"])
    monkeypatch.setattr("socket.create_connection", lambda *_: pytest.fail("connected"))
    with pytest.raises(SourceError, match="not allowed"):
        connector.connect("http://camera.test/", 1.0)


def redirect_to(location: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.end_headers()

    return answer


@pytest.mark.parametrize(
    "location",
    [
        *("http://127.0.0.9:{}/video", "//127.0.0.9:{}/video", "http://[::ffff:127.0.0.9]:{}/"),
        *("http://0x7f000009:{}/", "rtsp://127.0.0.9:{}/", "file:///etc/hostname", "gopher://h/"),
    ],
)
def test_http_redirects_are_checked(target: Target, location: str) -> None:
    with (
        http_server(redirect_to(location.format(target.port))) as port,
        pytest.raises(SourceError),
    ):
        open_live(f"http://127.0.0.1:{port}/video")
    target.assert_untouched()


@pytest.fixture(scope="module")
def hls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a playlist and its segments."""
    folder = tmp_path_factory.mktemp("hls")
    write_video(folder / "source.mp4", steady(50), VideoSpec(gop=25))
    hls_segments(folder / "source.mp4", folder, 1)
    return folder


@pytest.mark.parametrize(
    "lines",
    [
        ["#EXTINF:1.0,", "http://127.0.0.9:{}/0.ts"],
        ["#EXTINF:1.0,", "/redirect"],
        ["#EXTINF:1.0,", "tcp://127.0.0.9:{}"],
        ["#EXTINF:1.0,", "crypto+http://127.0.0.9:{}/0.ts"],
        ["#EXTINF:1.0,", "file:///etc/hostname"],
        ['#EXT-X-MAP:URI="http://127.0.0.9:{}/init.mp4"', "#EXTINF:1.0,", "live0.ts"],
        ['#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.9:{}/key"', "#EXTINF:1.0,", "live0.ts"],
    ],
)
def test_playlists_do_not_lead_to_other_hosts(target: Target, hls: Path, lines: list[str]) -> None:
    body = "\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:1", *lines, "#EXT-X-ENDLIST", ""])

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/redirect":
            redirect_to(f"http://127.0.0.9:{target.port}/0.ts")(handler)
            return
        name = handler.path.strip("/")
        data = body.format(target.port).encode() if name == "x.m3u8" else (hls / name).read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    with http_server(answer) as port, pytest.raises(SourceError):
        next(open_live(f"http://127.0.0.1:{port}/x.m3u8").frames())
    target.assert_untouched()


def test_a_digest_camera_over_http_is_read_and_its_password_is_not_sent_elsewhere() -> None:
    pictures = [jpeg((64, 48), 60)]
    seen: dict[str, list[str]] = {"camera": [], "other": []}

    def camera(handler: BaseHTTPRequestHandler, other: int) -> None:
        seen["camera"].append(handler.headers.get("Authorization", ""))
        if not seen["camera"][-1]:
            handler.send_response(401)
            handler.send_header(
                "WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=SHA-256'
            )
            handler.end_headers()
        else:
            redirect_to(f"http://127.0.0.1:{other}/video")(handler)

    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        seen["other"].append(handler.headers.get("Authorization", ""))
        send_mjpeg(handler, itertools.cycle(pictures), 0.02)

    with http_server(elsewhere) as other, http_server(lambda one: camera(one, other)) as port:
        live = open_live(f"http://me:s3cret@127.0.0.1:{port}/video")
        assert next(live.frames()).image.width == 64
        live.close()
    assert seen["camera"][1].startswith("Digest ") and "s3cret" not in str(seen)
    assert seen["other"][0] == ""


def test_closed_open_and_silent_ports_give_the_same_error() -> None:
    """Who may add a source must not learn from the error which ports of other hosts are open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = int(listener.getsockname()[1])
    page = http_server(lambda handler: handler.send_error(404))
    with page as missing, http_server(lambda handler: handler.send_error(500)) as broken:
        lines = set()
        for scheme, port in itertools.product(["http", "rtsp"], [closed, missing, broken]):
            uri = f"{scheme}://127.0.0.1:{port}/"
            with pytest.raises(SourceError) as raised:
                open_live(uri)
            lines.add(raised.value.line().replace(f"{scheme}://127.0.0.1:{port}", "URI"))
            assert raised.value.detail, "the log and the command line tell the cause"
    assert len(lines) == 1


def test_the_form_does_not_tell_open_ports_from_closed_ones(
    moodline_home: Path, monkeypatch: pytest.MonkeyPatch, sqlite_engine: Engine
) -> None:
    """Neither by words nor by time: failed tests of a source end together."""
    monkeypatch.setenv("MOODLINE_SOURCE_HOSTS", "127.0.0.1")
    editor = SourceEditor(Settings.read(), sqlite_engine, failure_after_s=4.0)

    def failure(uri: str) -> tuple[str, bool]:
        begin_s = time.monotonic()
        with pytest.raises(SourceError) as raised:
            editor.probe(uri)
        line = raised.value.line().replace(uri.rstrip("/"), "URI")
        return line, time.monotonic() >= begin_s + editor.failure_after_s

    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        http_server(lambda handler: handler.send_error(404)) as page,
        socket.create_server(("127.0.0.1", 0)) as closing,
    ):
        closed = closing.getsockname()[1]
        closing.close()
        ports = (silent.getsockname()[1], page, closed)
        with ThreadPoolExecutor(3) as threads:
            found = set(threads.map(failure, [f"http://127.0.0.1:{port}/" for port in ports]))
    assert found == {(cannot_open("http://URI", "").line().replace("http://URI", "URI"), True)}


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:1/", "rtsp://[::1]/", "http://192.0.0.192/latest", "rtsp://[fec0::1]/"],
)
def test_the_form_names_no_forbidden_host(
    moodline_home: Path, sqlite_engine: Engine, uri: str
) -> None:
    editor = SourceEditor(Settings.read(), sqlite_engine)
    for ask in (editor.probe, lambda one: editor.add("door", SourceForm(one, 5.0, ()), actor="me")):
        with pytest.raises(SourceError, match="not allowed"):
            ask(uri)
