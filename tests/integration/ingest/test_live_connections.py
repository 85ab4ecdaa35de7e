"""LiveReader and its connections: TLS, redirects, refused credentials, unknown hosts."""

import itertools
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.live_sources import LiveState
from ingest.live.opening import open_live
from ingest.live.reader import LiveReader
from tests.cameras import (
    behind_tls,
    hls_segments,
    http_server,
    jpeg,
    refusing_rtsp_camera,
    send_mjpeg,
)
from tests.integration.ingest.live_readers import until, wait_for_frames
from tests.media import VideoSpec, steady, write_video
from tests.rtsp import RtspCamera, over_udp


def test_rtsp_over_tls_accepts_a_self_signed_certificate(clip: Path, tmp_path: Path) -> None:
    with (
        RtspCamera(clip.parent, tmp_path / "rtsp.log") as camera,
        behind_tls(camera.port, tmp_path) as port,
    ):
        plain = f"rtsp://127.0.0.1:{camera.port}/"
        uri = camera.url(clip.name).replace(plain, f"rtsps://127.0.0.1:{port}/")
        with LiveReader(uri, fps=None, max_side=640) as reader:
            wait_for_frames(reader)


def test_a_camera_over_udp_is_read_where_it_is_asked_for(clip: Path, tmp_path: Path) -> None:
    with RtspCamera(clip.parent, tmp_path / "rtsp.log") as camera, over_udp(camera) as port:
        uri = camera.url(clip.name).replace(f":{camera.port}/", f":{port}/")
        with pytest.raises(SourceError) as raised:
            open_live(uri)
        assert "does not send over TCP" in raised.value.detail
        with LiveReader(f"{uri}#transport=udp", fps=None, max_side=640) as reader:
            wait_for_frames(reader)


def test_mjpeg_and_hls_over_tls_accept_a_self_signed_certificate(tmp_path: Path) -> None:
    picture = jpeg((64, 48), 60)
    recording = tmp_path / "source.mp4"
    write_video(recording, steady(125), VideoSpec(gop=25))
    playlist = hls_segments(recording, tmp_path, 2)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/live":
            send_mjpeg(handler, itertools.repeat(picture), 0.02)
            return
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write((tmp_path / handler.path.strip("/")).read_bytes())

    with http_server(answer) as plain, behind_tls(plain, tmp_path) as port:
        for path in ("live", playlist.name):
            uri = f"https://127.0.0.1:{port}/{path}"
            with LiveReader(uri, fps=None, max_side=640) as reader:
                until(lambda: reader.counters().captured > 10)


def test_a_redirect_is_followed_only_to_an_allowed_host() -> None:
    pictures = [jpeg((64, 48), 60)]

    def camera(handler: BaseHTTPRequestHandler) -> None:
        send_mjpeg(handler, itertools.cycle(pictures), 0.03)

    def elsewhere(handler: BaseHTTPRequestHandler, port: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"http://127.0.0.1:{port}/video")
        handler.end_headers()

    with http_server(camera) as port, http_server(lambda one: elsewhere(one, port)) as first:
        uri = f"http://localhost:{first}/video"
        with pytest.raises(SourceError) as raised:
            open_live(uri)
        assert "not allowed" in raised.value.detail
        live = open_live(uri, ["127.0.0.1"])
        assert next(live.frames()).image.width == 64
        live.close()


@pytest.mark.parametrize("path", ["live.m3u8", "playlist"])
def test_segments_are_requested_only_from_an_allowed_host(tmp_path: Path, path: str) -> None:
    recording = tmp_path / "source.mp4"
    write_video(recording, steady(50), VideoSpec(gop=25))
    playlist = hls_segments(recording, tmp_path, 1)
    asked: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, port: int) -> None:
        asked.append(str(handler.headers["Host"]))
        name = handler.path.strip("/")
        if name == path:
            lines = playlist.read_text().splitlines()
            body = "\n".join(
                f"http://127.0.0.1:{port}/{line}" if line.endswith(".ts") else line
                for line in lines
            ).encode()
        else:
            body = (tmp_path / name).read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/vnd.apple.mpegurl")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    ports: list[int] = []
    with http_server(lambda one: answer(one, ports[0])) as port:
        ports.append(port)
        uri = f"http://localhost:{port}/{path}"
        with pytest.raises(SourceError, match="not allowed"):
            next(open_live(uri).frames())
        assert asked and all(host.startswith("localhost") for host in asked)
        live = open_live(uri, ["127.0.0.1"])
        assert next(live.frames()).image.width == 128
        live.close()


@pytest.mark.parametrize("status", [401, 403])
def test_refused_http_credentials_are_a_failure_of_their_own(status: int) -> None:
    with http_server(lambda handler: handler.send_error(status)) as port:
        uri = f"http://me:s3cret@127.0.0.1:{port}/video"
        with pytest.raises(CredentialsRefusedError) as raised:
            open_live(uri)
        assert "s3cret" not in raised.value.line()
        with LiveReader(uri, fps=None, max_side=640) as reader:
            until(lambda: reader.condition.state is LiveState.FAILED)
            assert "password" in reader.condition.reason


def test_refused_rtsp_credentials_are_a_failure_of_their_own() -> None:
    with refusing_rtsp_camera() as port:
        uri = f"rtsp://me:s3cret@127.0.0.1:{port}/live"
        with LiveReader(uri, fps=None, max_side=640) as reader:
            until(lambda: reader.condition.state is LiveState.FAILED)
            assert "password" in reader.condition.reason
            assert "s3cret" not in reader.condition.reason


def test_an_unknown_host_is_named_in_the_reason() -> None:
    with LiveReader("rtsp://camera.invalid/live", fps=None, max_side=640) as reader:
        until(lambda: reader.condition.state is LiveState.BACKING_OFF)
        assert "camera.invalid" in reader.condition.reason
