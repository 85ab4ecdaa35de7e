"""The seven clips of the table in docs/performance.md: rendered, or made from recordings.

Rendered ones show average faces (see moodline.demo.scenes) and figures that walk away. Recordings
give more natural pictures: --face, of one person who fills a good part of it, and --empty, without
a face that can be read.
"""

import atexit
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from moodline.demo.scenes import Scene, picture_at, scenes
from runtime.decoding.opencv import cv2

Picture = npt.NDArray[np.uint8]
"""[height, width, 3], blue, green and red."""

FRAMES: Final = 500
_RATE: Final = 25
_GRAIN_SD: Final = 2.0
_SEED: Final = 20261130
_BETWEEN_TILES: Final = 130
"""Frames of the recording between two of the four faces, which so differ."""
_FIGURES: Final = 3


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip of the table. faces: in view. least_ratio: target of moodline's speed to fer's."""

    name: str
    width: int
    height: int
    faces: int
    least_ratio: float | None = None

    def path(self, folder: Path) -> Path:
        """Return where the clip is in the folder of `make_clips`."""
        return folder / f"{self.name}.mp4"


TABLE: Final = (
    Clip("one-face-300p", 400, 300, 1, 6.0),
    Clip("one-face-336p", 596, 336, 1, 6.0),
    Clip("one-face-360p", 640, 360, 1, 6.0),
    Clip("one-face-720p", 1280, 720, 1),
    Clip("one-face-1080p", 1920, 1080, 1, 20.0),
    Clip("four-faces-720p", 1280, 720, 4, 10.0),
    Clip("no-face-432p", 768, 432, 0),
)


@dataclass(frozen=True, slots=True)
class Footage:
    """Recordings of which the clips are made; None: they are rendered."""

    face: Path | None = None
    empty: Path | None = None

    def suffix(self, clip: Clip) -> str:
        """Return the end of the name of results that were measured on such a clip, or ""."""
        used = self.face if clip.faces else self.empty
        return f"-{used.stem}" if used else ""


RENDERED: Final = Footage()


def make_clips(
    folder: Path,
    footage: Footage = RENDERED,
    clips: tuple[Clip, ...] = TABLE,
    frames: int = FRAMES,
) -> list[Path]:
    """Write the clips as H.264 in MP4 of at most so many frames; return their paths."""
    for clip in clips:
        recording = footage.face if clip.faces else footage.empty
        if recording is None:
            rate, pictures = Fraction(_RATE), _rendered(clip)
        else:
            rate, pictures = _rate(recording), _recorded(recording, tiles=max(clip.faces, 1))
        _write(clip, clip.path(folder), rate, pictures, frames)
    return [clip.path(folder) for clip in clips]


@cache
def table_clip(clip: Clip, footage: Footage = RENDERED) -> Path:
    """Return a clip of the table; it is made once for all benchmarks of this process.

    A rendered one is kept in the folder BENCH_CLIPS, if that is set, and taken from there.
    """
    kept = os.environ.get("BENCH_CLIPS")
    if kept and footage == RENDERED:
        folder = Path(kept)
        if clip.path(folder).exists():
            return clip.path(folder)
        folder.mkdir(parents=True, exist_ok=True)
    else:
        folder = Path(tempfile.mkdtemp(prefix="moodline-clips-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (path,) = make_clips(folder, footage, (clip,))
    return path


def make_parts(folder: Path, count: int, frames: int) -> list[Path]:
    """Write `count` recordings of one face that differ, at 640x360; return their paths."""
    clip, paths = Clip("part", 640, 360, 1), []
    for number in range(count):
        paths.append(folder / f"part-{number}.mp4")
        _write(clip, paths[-1], Fraction(_RATE), _faces(number * frames), frames)
    return paths


def _write(
    clip: Clip, path: Path, rate: Fraction, pictures: Iterator[Picture], frames: int
) -> None:
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=rate, options={"preset": "veryfast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
        for picture in islice(pictures, frames):
            filled = _filled(picture, clip.width, clip.height)
            frame = av.VideoFrame.from_ndarray(filled, format="bgr24")
            target.mux(stream.encode(frame.reformat(format="yuv420p")))
        target.mux(stream.encode(None))


def _filled(picture: Picture, width: int, height: int) -> Picture:
    """Return the middle of the picture in this size, without bars."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    across, down = round(width / scale), round(height / scale)
    left, top = (columns - across) // 2, (rows - down) // 2
    part = picture[top : top + down, left : left + across]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(part, (width, height), interpolation=way), np.uint8)


def _tiled(pictures: list[Picture]) -> Picture:
    """Return one picture as it is, or four as two rows of two."""
    if len(pictures) == 1:
        return pictures[0]
    first, second, third, fourth = pictures
    return np.vstack((np.hstack((first, second)), np.hstack((third, fourth))))


def _recorded(recording: Path, *, tiles: int) -> Iterator[Picture]:
    streams = [_decoded(recording, number * _BETWEEN_TILES) for number in range(tiles)]
    for pictures in zip(*streams, strict=False):
        yield _tiled(list(pictures))


def _decoded(recording: Path, first: int) -> Iterator[Picture]:
    with av.open(str(recording)) as source:
        for frame in islice(source.decode(video=0), first, None):
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _rate(recording: Path) -> Fraction:
    with av.open(str(recording)) as source:
        return source.streams.video[0].average_rate or Fraction(_RATE)


def _rendered(clip: Clip) -> Iterator[Picture]:
    if not clip.faces:
        return _grained(_walking)
    starts = [number * _BETWEEN_TILES for number in range(clip.faces)]
    return (_tiled(list(four)) for four in zip(*map(_faces, starts), strict=True))


def _faces(first: int) -> Iterator[Picture]:
    """Yield the demo's first scene from a frame on, again and again."""
    scene = scenes()[0]
    return _grained(lambda time_s: picture_at(scene, (time_s + first / _RATE) % scene.seconds))


def _walking(time_s: float) -> npt.NDArray[np.float32]:
    """Return a room in which dark figures walk away from the viewer: heads and no faces."""
    picture = picture_at(Scene("empty", 1.0, ()), 0.0)
    for number in range(_FIGURES):
        share = (time_s / 8 + number / _FIGURES) % 1
        size = 150 * (1 - 0.7 * share)
        x = round(120 + 190 * number + 40 * math.sin(time_s + number))
        y = round(330 - 120 * share)
        body, head = (round(size * 0.3), round(size * 0.5)), round(size * 0.14)
        cv2.ellipse(picture, (x, y), body, 0, 0, 360, 60.0 + 10 * number, -1)
        cv2.circle(picture, (x, y - body[1] - head // 2), head, 35.0, -1)
    return picture


def _grained(picture_of: Callable[[float], npt.NDArray[np.float32]]) -> Iterator[Picture]:
    grain, number = np.random.default_rng(_SEED), 0
    while True:
        picture = picture_of(number / _RATE)
        grey = picture + grain.normal(0.0, _GRAIN_SD, picture.shape)
        yield np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)
        number += 1
