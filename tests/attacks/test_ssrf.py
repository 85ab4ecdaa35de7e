"""SSRF: no camera, redirect, playlist or name server leads a connection to a host not allowed."""

import itertools
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.parsing.addresses import HostPort
from contracts.settings import Settings
from contracts.zones.turning import NO_TURN
from ingest.live.network.connector import Connector
from ingest.live.opening import open_live
from ingest.live.ssrf_guard import check_form_address
from ingest.live.uris import cannot_open
from moodline.adapters.sources import SourceEditor
from serving.services import SourceForm
from tests.attacks.misleading_hosts import Target
from tests.cameras import hls_segments, http_server, jpeg, send_mjpeg
from tests.media import VideoSpec, steady, write_video

LONG_S = 60.0


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


def test_an_allowed_name_that_moves_elsewhere_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An administrator allowed a port of this host; then its name leads to a metadata server."""
    place = HostPort("camera.test", 8554)
    monkeypatch.setattr("socket.create_connection", lambda *_: pytest.fail("connected"))
    for address in ("169.254.169.254", "::ffff:127.0.0.1"):
        connector = Connector(own=[place], resolve=lambda _host, at=address: [at])
        with pytest.raises(SourceError, match="not allowed"):
            connector.connect("rtsp://camera.test:8554/live", 1.0)
    connector = Connector(own=[place], resolve=lambda _host: ["127.0.0.1"])
    with pytest.raises(SourceError, match="not allowed"):
        connector.connect("rtsp://camera.test:6379/live", 1.0)
    connected: list[object] = []
    monkeypatch.setattr("socket.create_connection", lambda at, _s: connected.append(at))
    connector.connect("rtsp://camera.test:8554/live", 1.0)
    assert connected == [("127.0.0.1", 8554)]


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
    """The error does not show users who add a source which ports of other hosts are open."""
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
            editor.probe(uri, "", NO_TURN)
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
    with pytest.raises(SourceError, match="not allowed"):
        editor.probe(uri, "", NO_TURN)
    with pytest.raises(SourceError, match="not allowed"):
        editor.add("door", SourceForm(uri, 5.0, ()), actor="me")
