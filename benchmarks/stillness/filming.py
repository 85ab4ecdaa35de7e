"""Filming: pictures as a camera and a codec make them, with noise, moving light and movement."""

import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from contracts.geometry import Box
from inference_worker.faces.detectors.detection import Image
from runtime.decoding.opencv import cv2

FPS: Final = 5
_PERIOD_S: Final = 60

Picture = npt.NDArray[np.float32]
Change = Callable[[Picture, float, np.random.Generator], Picture]


@dataclass(frozen=True, slots=True)
class Condition:
    """How a face is filmed. noise: standard deviation in grey levels. crf: of H.264."""

    name: str
    noise: float = 4.0
    crf: int = 28
    change: Change = lambda picture, _time_s, _chance: picture


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame at a time, and where its face is."""

    picture: Picture
    box: Box
    time_s: float


def _moved(picture: Picture, x: float, y: float) -> Picture:
    size = (picture.shape[1], picture.shape[0])
    place = np.array([[1, 0, x], [0, 1, y]], np.float32)
    moved = cv2.warpAffine(picture, place, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def shaken(picture: Picture, _time_s: float, chance: np.random.Generator) -> Picture:
    return _moved(picture, *chance.normal(0, 0.8, 2))


def drifting(picture: Picture, time_s: float, _chance: np.random.Generator) -> Picture:
    return _moved(picture, 0.25 * time_s, 0.1 * time_s)


def daylight(picture: Picture, time_s: float, _chance: np.random.Generator) -> Picture:
    return picture * np.float32(0.75 + 0.25 * math.sin(2 * math.pi * time_s / _PERIOD_S))


def lamp(picture: Picture, time_s: float, _chance: np.random.Generator) -> Picture:
    across = np.linspace(0, 1, picture.shape[1], dtype=np.float32)
    return picture * np.float32(0.7) * (1 + across * np.float32(0.4 * math.sin(time_s / 10)))


def flicker(picture: Picture, time_s: float, _chance: np.random.Generator) -> Picture:
    rows = np.arange(picture.shape[0], dtype=np.float32)[:, None] / 60
    bands = 6 * np.sin(rows + np.float32(10.7 * time_s))
    flickering: Picture = picture * np.float32(1 + 0.05 * math.sin(46 * time_s)) + bands
    return flickering


def dark(picture: Picture, _time_s: float, _chance: np.random.Generator) -> Picture:
    return picture * np.float32(0.25)


def filmed(frames: Iterable[Shown], condition: Condition) -> Iterator[tuple[Image, Box, float]]:
    """Yield the frames as a camera and a codec make them."""
    chance = np.random.default_rng(1)
    buffer, places = io.BytesIO(), []
    with av.open(buffer, "w", format="matroska") as container:
        stream: av.VideoStream | None = None
        for shown in frames:
            picture = condition.change(shown.picture, shown.time_s, chance)
            noisy = picture + chance.normal(0, condition.noise, picture.shape)
            high, wide = (side // 2 * 2 for side in picture.shape)
            luma = np.clip(noisy[:high, :wide], 0, 255).astype(np.uint8)
            if stream is None:
                options = {"crf": str(condition.crf), "preset": "veryfast", "g": "50"}
                stream = container.add_stream("libx264", rate=FPS, options=options)
                stream.width, stream.height, stream.pix_fmt = wide, high, "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(luma, format="gray")))
            places.append((shown.box, shown.time_s))
        assert stream is not None
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as recording:
        for (box, time_s), frame in zip(places, recording.decode(video=0), strict=True):
            plane = frame.to_ndarray(format="gray")[: frame.height, : frame.width]
            yield np.ascontiguousarray(plane, np.uint8), box, time_s
