"""Reports on playlists, and on cameras' passwords: what is read and sent."""

import gzip
import hashlib
import itertools
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Final

import pytest

from contracts.errors import SourceError
from ingest.live.network.authenticator import Authenticator
from ingest.live.opening import open_live
from ingest.live.ssrf_guard import check_address, split_uri
from tests.cameras import hls_segments, http_server
from tests.media import VideoSpec, number_of, steady, write_video

FRAMES: Final = 75

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""


@dataclass(frozen=True)
class PlaylistReport:
    """A report on playlists. answers: to requests, from the playlist and the segments by name."""

    name: str
    symptom: str
    answers: Callable[[str, Mapping[str, bytes]], Mapping[str, Answer]]


def _served(playlist: bytes, files: Mapping[str, bytes], **headers: str) -> dict[str, Answer]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answers: dict[str, Answer] = {f"/{name}": (200, {}, body) for name, body in files.items()}
    return answers | {"/live.m3u8": (200, named, playlist)}


def _elsewhere(playlist: str, files: Mapping[str, bytes]) -> Mapping[str, Answer]:
    there = {f"/eu{path}": one for path, one in _served(playlist.encode(), files).items()}
    return there | {"/live.m3u8": (302, {"Location": "/eu/live.m3u8"}, b"")}


def _variants(playlist: str, files: Mapping[str, bytes]) -> Mapping[str, Answer]:
    there = {f"/hi{path}": one for path, one in _served(playlist.encode(), files).items()}
    variant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=90000\nhi/live.m3u8?token=a%20b&n=1\n"
    token = {"/hi/live.m3u8?token=a%20b&n=1": there.pop("/hi/live.m3u8")}
    return there | token | {"/live.m3u8": (200, {}, variant.encode())}


def _in_one_file(playlist: str, files: Mapping[str, bytes]) -> Mapping[str, Answer]:
    begins = [0, *itertools.accumulate(map(len, files.values()))]
    lines = playlist
    for name, body in files.items():
        part = f"#EXT-X-BYTERANGE:{len(body)}@{begins.pop(0)}\none.ts"
        lines = lines.replace(name, part)
    return _served(lines.encode(), {"one.ts": b"".join(files.values())})


PLAYLISTS: Final = [
    PlaylistReport(
        "videojs/videojs-contrib-hls#548",
        "a playlist redirects: its segments are asked for at the old place",
        _elsewhere,
    ),
    PlaylistReport(
        "mangui/flashls#261",
        "addresses in a playlist are relative, with a token",
        _variants,
    ),
    PlaylistReport(
        "THEOplayer/streamrr#8",
        "a playlist begins with a byte order mark",
        lambda playlist, files: _served(b"\xef\xbb\xbf" + playlist.encode(), files),
    ),
    PlaylistReport(
        "dobbelina/repository.dobbelina#1829",
        "a server compresses playlists although nobody asked",
        lambda playlist, files: _served(
            gzip.compress(playlist.encode()), files, Content_Encoding="gzip"
        ),
    ),
    PlaylistReport(
        "videojs/http-streaming#1066",
        "the segments are parts of one file: only the first one plays",
        _in_one_file,
    ),
]


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, bytes]]:
    """A playlist, and its segments by name."""
    folder = tmp_path_factory.mktemp("hls")
    write_video(folder / "source.mp4", steady(FRAMES), VideoSpec(gop=25))
    playlist = hls_segments(folder / "source.mp4", folder, 1).read_text()
    return playlist, {one: (folder / one).read_bytes() for one in re.findall(r".*\.ts", playlist)}


def read_numbers(answers: Mapping[str, Answer], *, ranges: bool) -> list[int]:
    """Return the numbers of the pictures. ranges: whether the server sends parts of files."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        status, headers, body = answers.get(handler.path, (404, {}, b""))
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        if asked and ranges:
            status, body = 206, body[int(asked[1]) : int(asked[2] or len(body)) + 1]
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with http_server(answer) as port:
        live = open_live(f"http://127.0.0.1:{port}/live.m3u8")
        images = (frame.image for frame in itertools.islice(live.frames(), FRAMES))
        numbers = [
            number_of(one.to_ndarray(format="gray").tobytes(), one.width, one.height)
            for one in images
        ]
        live.close()
    return numbers


@pytest.mark.parametrize("report", PLAYLISTS, ids=lambda report: report.name)
def test_a_reported_playlist_is_read_rightly(
    report: PlaylistReport, segments: tuple[str, dict[str, bytes]]
) -> None:
    answers = report.answers(*segments)
    assert read_numbers(answers, ranges=True) == [*range(FRAMES)]


def test_a_server_that_sends_whole_files_instead_of_their_parts(
    segments: tuple[str, dict[str, bytes]],
) -> None:
    """xbmc/inputstream.adaptive#687: parts of a file fail, unless they begin at 0."""
    assert read_numbers(_in_one_file(*segments), ranges=False) == [*range(FRAMES)]


@pytest.mark.parametrize(
    ("report", "uri", "password"),
    [
        ("bluenviron/mediamtx#2069", "rtsp://user1:P@ssword@192.168.8.10/stream1", "P@ssword"),
        ("bluenviron/mediamtx#2069", "rtsp://user1:P%40ssword@192.168.8.10/s", "P@ssword"),
        ("thirtythreeforty/neolink#242", "rtsp://u:a^b!c@192.168.8.10/s", "a^b!c"),
        ("BogdanovKirill/RtspClientSharp#115", "rtsp://u:abc@123@@192.168.8.10:554/", "abc@123@"),
        ("opencv/opencv-python#848", "rtsp://u:a%23b@192.168.8.10/s", "a#b"),
    ],
)
def test_a_password_with_signs_is_sent_as_it_is(report: str, uri: str, password: str) -> None:
    check_address(uri)
    given = Authenticator(split_uri(uri))
    assert given.accept(['Basic realm="camera"']), report
    user = split_uri(uri).username
    scheme, _, text = given.header("DESCRIBE", "/").partition(" ")
    assert (scheme, b64decode(text).decode()) == ("Basic", f"{user}:{password}")


@pytest.mark.parametrize(
    ("report", "uri"),
    [
        ("opencv/opencv-python#848", "rtsp://u:a#b@192.168.8.10/s"),
        ("Kurento/bugtracker#554", "rtsp://u:a/b@192.168.8.10/s"),
        ("Kurento/bugtracker#554", "rtsp://u:a?b@192.168.8.10/s"),
    ],
)
def test_a_password_that_ends_the_host_is_explained(report: str, uri: str) -> None:
    with pytest.raises(SourceError, match="before its last @") as refused:
        check_address(uri)
    assert "%23" in refused.value.line(), report
    assert "192.168" not in refused.value.line(), "nothing of the address is quoted"


RESPONSES: Final = {
    "bluenviron/gortsplib#1074": ('qop="auth", algorithm=SHA-256', "sha256", True, False),
    "ngraziano/SharpRTSP#153": ("algorithm=SHA-256", "sha256", False, False),
    "AlexxIT/go2rtc#2451": ('qop="auth", algorithm=MD5-sess', "md5", True, True),
    "scottlamb/retina#62": ("", "md5", False, False),
}


@pytest.mark.parametrize("report", RESPONSES)
def test_a_digest_is_answered_as_its_challenge_asks(report: str) -> None:
    """RFC 7616, 3.4, and RFC 2069 without qop."""
    asked, algorithm, with_count, of_session = RESPONSES[report]
    given = Authenticator(split_uri("rtsp://admin:secret@camera/live"))
    challenge = f'Digest realm="Login to Camera", nonce="7ab3", {asked}'.rstrip(", ")
    assert given.accept(['Digest realm="x", nonce="y", algorithm=SHA3', challenge])
    sent = dict(re.findall(r'(\w+)="?([^",]*)"?', given.header("DESCRIBE", "/live")))

    def digest(text: str) -> str:
        return hashlib.new(algorithm, text.encode()).hexdigest()

    secret = digest("admin:Login to Camera:secret")
    if of_session:
        secret = digest(f"{secret}:7ab3:{sent['cnonce']}")
    middle = f"7ab3:00000001:{sent['cnonce']}:auth" if with_count else "7ab3"
    request = digest("DESCRIBE:/live")
    assert sent["response"] == digest(f"{secret}:{middle}:{request}")
