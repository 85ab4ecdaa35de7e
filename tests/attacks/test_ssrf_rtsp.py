"""SSRF by RTSP: no redirect or reply of a camera leads a connection to a host not allowed."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import pytest

from contracts.errors import SourceError
from contracts.live_sources import LiveState
from ingest.live.network.connector import Connector
from ingest.live.network.rtsp_relay import RtspRelay
from ingest.live.opening import open_live
from ingest.live.reader import LiveReader
from tests.attacks.misleading_hosts import SDP, Target, reply, rtsp_server
from tests.media import VideoSpec, steady, write_video
from tests.rtsp import RtspCamera

LONG_S = 60.0
_OPTIONS = {"rtsp_transport": "tcp", "protocol_whitelist": "tcp"}


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
        with pytest.raises((av.FFmpegError, OSError)):
            av.open(relay.uri, options=_OPTIONS, timeout=1.0)
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


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """A UDP port of another host, which must never get a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.9", 0))
        datagrams.setblocking(False)
        yield datagrams


def test_a_camera_over_udp_cannot_name_another_host(elsewhere: socket.socket) -> None:
    port = elsewhere.getsockname()[1]
    asked: list[str] = []
    granted = (
        f"Transport: RTP/AVP;unicast;source=127.0.0.9;destination=127.0.0.9"
        f";server_port={port}-{port + 1}"
    )

    def answer(first: str, headers: dict[str, str]) -> str:
        body = SDP if first.startswith("DESCRIBE") else ""
        more = [granted, "Session: 1"] if first.startswith("SETUP") else []
        if first.startswith("SETUP"):
            asked.append(headers["Transport"])
        if first.startswith("PLAY"):  # What comes from another host counts for nothing.
            ports = re.findall(r"\d+", asked[-1])
            for number in ports:
                elsewhere.sendto(b"\x80\x60" + bytes(40), ("127.0.0.1", int(number)))
        return reply("200 OK", headers, "Content-Type: application/sdp", *more, body=body)

    with rtsp_server(answer) as rtsp_port:
        relay = RtspRelay(
            f"rtsp://127.0.0.1:{rtsp_port}/live", Connector("127.0.0.1"), LONG_S, over_udp=True
        )
        packets = []
        with (
            suppress(av.FFmpegError, OSError),
            av.open(relay.uri, options=_OPTIONS, timeout=1.0) as container,
        ):
            packets = [one for one in container.demux(video=0) if one.size]
        relay.close()
    assert not packets
    assert re.fullmatch(r"RTP/AVP;unicast;client_port=\d+-\d+", asked[0])
    with pytest.raises(BlockingIOError):
        elsewhere.recv(1)


@pytest.mark.parametrize(
    "granted",
    [
        "RTP/AVP/TCP;unicast;interleaved=0-1",
        "RTP/AVP;multicast;destination=224.1.2.3;port=5000-5001",
    ],
)
def test_a_camera_that_grants_another_transport_is_refused(granted: str) -> None:
    def answer(first: str, headers: dict[str, str]) -> str:
        body = SDP if first.startswith("DESCRIBE") else ""
        more = [f"Transport: {granted}", "Session: 1"] if first.startswith("SETUP") else []
        return reply("200 OK", headers, "Content-Type: application/sdp", *more, body=body)

    with rtsp_server(answer) as port, pytest.raises(SourceError) as raised:
        open_live(f"rtsp://127.0.0.1:{port}/live#transport=udp")
    assert "does not send over UDP" in raised.value.detail


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
        with av.open(relay.uri, options=_OPTIONS, timeout=LONG_S) as container:
            assert container.streams.video
            with pytest.raises(OSError, match="refused"):
                socket.create_connection(("127.0.0.1", port), LONG_S)
        relay.close()
