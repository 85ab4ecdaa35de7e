"""The clips of the limit, where no recording is given: one of each kind of work."""

from fractions import Fraction
from pathlib import Path
from typing import Final

import av

from moodline.demo.scenes import render, scenes

_KINDS: Final = {"one-face": 0, "three-faces": 1, "empty-room": 3}
_LARGE: Final = (1920, 1080)


def rendered_clips(folder: Path) -> list[Path]:
    """Render a face, three faces and an empty room at 640x360, and the face at 1920x1080."""
    clips = []
    for name, number in _KINDS.items():
        clips.append(folder / f"{name}.mp4")
        render(scenes()[number], clips[-1])
    clips.append(folder / "one-face-1080p.mp4")
    enlarge(clips[0], clips[-1], _LARGE)
    return clips


def enlarge(clip: Path, path: Path, size: tuple[int, int]) -> None:
    """Write the clip's pictures in another size, as H.264 in MP4."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        rate = video.average_rate or Fraction(25)
        stream = target.add_stream("libx264", rate=rate, options={"preset": "veryfast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for frame in source.decode(video):
            large = frame.reformat(*size, "yuv420p", interpolation="BICUBIC")
            large.pts = None
            target.mux(stream.encode(large))
        target.mux(stream.encode(None))
