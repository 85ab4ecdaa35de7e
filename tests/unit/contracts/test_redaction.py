"""Redaction: credentials are removed from every text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.redaction import redact


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://admin:s3cret@10.0.0.5:554/stream",
        "postgresql+psycopg://moodline:s3cret@db/records",
        "redis://:s3cret@cache:6379/0",
        "postgresql://u:p@s3cret@db/records",
        "http://cam/video?user=a&password=s3cret&x=1",
        "could not connect to 'rtsp://a:s3cret@b/c': refused",
        "host=db password=s3cret user=u",
        "https://hls/live.m3u8?token=s3cret",
        *(f"rtsp://admin:a{mark}s3cret@10.0.0.5/live" for mark in "/?#@"),
        "http://cam/live?access_token=s3cret",
        "http://cam/live?auth_token=s3cret&x=1",
        "rtsp://cam/user=admin_password=s3cret_channel=1_stream=0.sdp",
        "http://cam/videostream.cgi?loginuse=admin&loginpas=s3cret",
        "http://cam/video?usr=a&psw=s3cret",
        "http://cam/video?u=a&p=s3cret",
    ],
)
def test_a_secret_is_removed(text: str) -> None:
    assert "s3cret" not in redact(text)


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https", "RTSP"])
@pytest.mark.parametrize(
    "address",
    [
        *("camera.local/s3cret", "camera.local:554/live/s3cret/1", "camera.local/live;s3cret"),
        *(f"camera.local/live?{key}=s3cret" for key in ("code", "jwt", "session", "sid", "x", "")),
        *("camera.local/?s3cret", "camera.local?s3cret", "camera.local/live#s3cret"),
        *("s3cret@camera.local/", "me:s3cret@camera.local", "me:a@s3cret@camera.local/"),
        *("camera.local/live@s3cret", "camera.local/a@s3cret:554/b", "camera.local/?a=b@s3cret"),
    ],
)
def test_a_secret_is_removed_from_each_part_of_a_camera_address(scheme: str, address: str) -> None:
    uri = f"{scheme}://{address}"
    for text in (uri, f"opening '{uri}' failed", f"[in#0 @ 0x1] {uri}: Not found", f"({uri})."):
        assert "s3cret" not in redact(text)


@pytest.mark.parametrize(
    "text", ["/live?code=s3cret", "/live?a=b&sid=s3cret", "live.ts?jwt=s3cret"]
)
def test_a_secret_is_removed_from_a_relative_address(text: str) -> None:
    assert "s3cret" not in redact(text)


def test_of_a_camera_address_the_host_is_shown() -> None:
    assert redact("rtsp://10.0.0.5:554/stream?channel=2") == "rtsp://10.0.0.5:554"
    assert redact("rtsp://u:p@cam/live") == "rtsp://cam"
    assert redact("https://[fd12::1]:8443/live") == "https://[fd12::1]:8443"
    assert redact("rtsp://${WHO}:${KEY}@${HOST}:554/live") == "rtsp://${HOST}:554"
    assert redact("'http://u:p@cam/live': refused") == "'http://cam': refused"


def test_other_text_is_kept() -> None:
    assert redact("/data/ann@home.mp4 at 12:30") == "/data/ann@home.mp4 at 12:30"
    assert redact("status code=500, session 3") == "status code=500, session 3"
    assert redact("sqlite:////data/moodline.db") == "sqlite:////data/moodline.db"
    assert redact("redis://:pw@cache:6379/0") == "redis://***@cache:6379/0"


@given(
    st.text(st.characters(categories=("L", "N")), min_size=1, max_size=10),
    st.text(
        st.characters(categories=("L", "N", "P", "S")),
        min_size=1,
        max_size=20,
    ),
)
def test_every_password_in_a_uri_is_removed(user: str, password: str) -> None:
    shown = redact(f"rtsp://{user}:{password}@camera.local/live")
    assert shown in {"rtsp://camera.local", "rtsp://***"}
