"""SSRF guard: a web form may name hosts of the network, but not this host or metadata servers."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SourceError
from ingest.live.ssrf_guard import check_address, check_form_address, check_host, final_redirect


@pytest.mark.parametrize(
    "uri",
    [
        *(f"rtsp://admin:hunter2{mark}1@camera/live" for mark in "/?#"),
        *("rtsp://camera:99999/x", "rtsp://u:hunter2@:554/x", "http://u:hunter2@[::1/", "rtsp:///"),
        *("rtsp://u:hunt er2@camera/", "rtsp://u:hunter2@camera:0/"),
    ],
)
def test_an_ambiguous_address_is_refused_without_quoting_it(uri: str) -> None:
    with pytest.raises(SourceError) as raised:
        check_address(uri)
    assert "hunt" not in raised.value.line()
    check_address("rtsp://admin:hunter2%231@camera:554/live?x=a%40b")


def resolver(*addresses: str):  # type: ignore[no-untyped-def]
    return lambda _host: addresses


@pytest.mark.parametrize(
    "uri",
    [
        "0",
        "/dev/video2",
        "rtsp://camera.local/live",
        "rtsps://me:secret@192.168.1.7:8554/a?b=1",
        "http://10.0.0.9/mjpeg",
        "https://[fd12:3456::1]/hls.m3u8",
    ],
)
def test_camera_addresses_are_allowed(uri: str) -> None:
    check_form_address(uri, resolve=resolver("192.168.1.7"))


@pytest.mark.parametrize(
    "uri",
    [
        *("", "64", "-1", "clip.mp4", "/etc/passwd", "/dev/sda", "/dev/video1/../sda", "~/x.mp4"),
        *("file:///etc/passwd", "FILE:///etc/passwd", "concat:a|b", "data:,x", "ftp://host/x"),
        *("udp://239.0.0.1:1", "rtmp://host/x", "crypto+http://host/", "http:///x", "rtsp://"),
        *("http://[::1", "http://host:99999/", "rtsp://host/a b", "rtsp://host/\n"),
        *("rtsp://${SECRET}@host/", "http://host/${HOME}", "subfile,,start,0,end,9,,:/etc/passwd"),
    ],
)
def test_other_addresses_are_refused(uri: str) -> None:
    with pytest.raises(SourceError):
        check_form_address(uri, resolve=resolver("192.168.1.7"))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1"),
        *("224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
        *("2002:7f00:1::", "64:ff9b::7f00:1", "100.100.100.200", "fd00:ec2::254", "0.1.2.3"),
        "168.63.129.16",
    ],
)
def test_this_host_and_metadata_servers_are_refused_whatever_their_name(address: str) -> None:
    with pytest.raises(SourceError, match="not allowed"):
        check_host("camera.example", resolve=resolver("192.168.1.7", address))
    check_host("Camera.example", ["camera.EXAMPLE"], resolver(address))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "017700000001", "localhost"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises(SourceError):
        check_form_address(f"http://{host}/")


@given(st.text(max_size=80))
def test_any_text_is_refused_or_a_camera_address(text: str) -> None:
    try:
        check_form_address(text, resolve=resolver("192.168.1.7"))
    except SourceError:
        return
    begins = ("rtsp://", "rtsps://", "http://", "https://", "/dev/video")
    assert text.isdecimal() or text.lower().startswith(begins)


def test_an_unknown_host_is_named_in_the_error() -> None:
    def unknown(host: str) -> list[str]:
        raise OSError(host)

    with pytest.raises(SourceError, match="not found"):
        check_host("unknown.example", resolve=unknown)


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hops = {
                "/1": "/2",
                "/2": "http://inner.example/",
                "/loop": "/loop",
                "/file": "file:///x",
            }
            if self.path in hops:
                self.send_response(302)
                self.send_header("Location", hops[self.path])
            elif self.path == "/same":
                self.send_response(301)
                self.send_header("Location", "/here")
            else:
                self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_redirects_are_checked_before_they_are_followed(server: str) -> None:
    assert final_redirect(f"{server}/here") == ""
    assert final_redirect(f"{server}/same") == f"{server}/here"
    with pytest.raises(SourceError, match="redirects to another host"):
        final_redirect(f"{server}/1", resolve=resolver("169.254.169.254"))
    with pytest.raises(SourceError, match="more than"):
        final_redirect(f"{server}/loop")
    with pytest.raises(SourceError, match="not a stream"):
        final_redirect(f"{server}/file")
