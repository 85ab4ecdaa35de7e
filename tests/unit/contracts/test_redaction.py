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


def test_other_text_is_kept() -> None:
    assert redact("rtsp://10.0.0.5:554/stream?channel=2") == "rtsp://10.0.0.5:554/stream?channel=2"
    assert redact("rtsp://u:p@cam/live") == "rtsp://***@cam/live"
    assert redact("http://cam/mjpg?fps=5&step=2") == "http://cam/mjpg?fps=5&step=2"
    assert redact("/data/ann@home.mp4 at 12:30") == "/data/ann@home.mp4 at 12:30"


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
    assert shown == "rtsp://***@camera.local/live"
