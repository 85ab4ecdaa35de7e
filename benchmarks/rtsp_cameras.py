"""RTSP cameras that send one rendered clip, without end and without encoding it again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final

import av

from moodline.demo.scenes import render, scenes
from tests.rtsp import RtspCamera

RATE: Final = 25
"""Frames a second."""
_CAMERAS_OF_A_SERVER: Final = 4
"""A server of more than eight stops sending while many connect at the same time."""


def render_clip(folder: Path, width: int = 640, height: int = 360) -> Path:
    """Render the demo's first scene at 25 frames per second; return its path."""
    slow, path = folder / "slow.mp4", folder / "camera.mp4"
    render(scenes()[0], slow)
    with av.open(str(slow)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=RATE, options={"g": "50", "bf": "0"})
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            picture = frame.reformat(width, height, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    return path


@contextmanager
def camera_urls(folder: Path, recording: Path, count: int) -> Iterator[list[str]]:
    """Serve a recording to so many cameras, and give the URL of each."""
    with ExitStack() as servers:
        urls: list[str] = []
        while len(urls) < count:
            log = folder / f"rtsp{len(urls)}.log"
            server = servers.enter_context(RtspCamera(recording.parent, log))
            urls += [server.url(recording.name)] * _CAMERAS_OF_A_SERVER
        yield urls[:count]
