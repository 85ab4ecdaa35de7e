"""The demo's scenes: average faces that move and change their expression by a script.

The faces show no real person (see training/data/average_faces.py). A clip depends on time and a
fixed seed only, so its script is the ground truth.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from runtime.decoding.opencv import cv2

Picture = npt.NDArray[np.float32]

WIDTH: Final = 640
HEIGHT: Final = 360
FPS: Final = 15
FADE_S: Final = 0.4
"""The time in which one expression fades into the next."""

_FACES: Final = Path(__file__).parents[1] / "assets" / "faces"
_GRAIN_SD: Final = 2.0
_SEED: Final = 20261123


@dataclass(frozen=True, slots=True)
class Pose:
    """The centre of a face and the side of its tile, in pixels."""

    x: float
    y: float
    side: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One expression of one face, from start_s to end_s."""

    start_s: float
    end_s: float
    emotion: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A face, in view during its segments. pose: by seconds since the scene's start."""

    person: str
    pose: Callable[[float], Pose]
    segments: tuple[Segment, ...]

    @property
    def enters_s(self) -> float:
        return self.segments[0].start_s

    @property
    def leaves_s(self) -> float:
        return self.segments[-1].end_s

    def in_view(self, time_s: float) -> bool:
        return self.enters_s <= time_s < self.leaves_s


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip to render, with its actors."""

    name: str
    seconds: float
    actors: tuple[Actor, ...]

    @property
    def frames(self) -> int:
        return round(self.seconds * FPS)


def scenes() -> tuple[Scene, ...]:
    """Return the scenes of the demo's clips."""
    return (_one_face(), _three_crossing(), _coming_and_going(), Scene("empty-room", 6.0, ()))


def render(scene: Scene, path: Path) -> None:
    """Write the scene as H.264 in MP4, at FPS frames per second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        grain = np.random.default_rng(_SEED)
        for number in range(scene.frames):
            picture = picture_at(scene, number / FPS)
            picture += grain.normal(0.0, _GRAIN_SD, picture.shape).astype(np.float32)
            luma = np.clip(picture, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(luma, format="gray")))
        container.mux(stream.encode(None))


def picture_at(scene: Scene, time_s: float) -> Picture:
    """Return the frame at that time: grey float32 [HEIGHT, WIDTH], without grain."""
    picture = _room().copy()
    for actor in scene.actors:
        if actor.in_view(time_s):
            _paste(picture, _expression(actor, time_s), actor.pose(time_s))
    return picture


def _script(start_s: float, seconds_each: float, *emotions: str) -> tuple[Segment, ...]:
    return tuple(
        Segment(start_s + seconds_each * i, start_s + seconds_each * (i + 1), emotion)
        for i, emotion in enumerate(emotions)
    )


def _one_face() -> Scene:
    def pose(time_s: float) -> Pose:
        return Pose(
            320 + 60 * math.sin(time_s * 0.7),
            180 + 20 * math.sin(time_s * 1.1),
            170 + 15 * math.sin(time_s * 0.5),
        )

    order = ("neutral", "happy", "surprise", "angry", "sad", "disgust", "fear")
    segments = _script(0.0, 3.0, *order)
    return Scene("one-face", segments[-1].end_s, (Actor("a", pose, segments),))


def _three_crossing() -> Scene:
    """Three rows, so close that boxes touch; two faces go right and one goes left."""

    def path(y: float, from_x: float, to_x: float) -> Callable[[float], Pose]:
        return lambda time_s: Pose(
            from_x + (to_x - from_x) * (0.5 - 0.5 * math.cos(math.pi * time_s / 12.0)),
            y + 4 * math.sin(time_s * 1.3),
            112,
        )

    return Scene(
        "three-crossing",
        12.0,
        (
            Actor("a", path(66, 90, 540), _script(0, 4, "happy", "neutral", "sad")),
            Actor("b", path(180, 550, 100), _script(0, 4, "surprise", "angry", "neutral")),
            Actor("c", path(294, 100, 550), _script(0, 4, "neutral", "happy", "disgust")),
        ),
    )


def _coming_and_going() -> Scene:
    """Faces that are alone for a while; the first one returns, which is a new track."""

    def walk(start_s: float, end_s: float, y: float) -> Callable[[float], Pose]:
        def pose(time_s: float) -> Pose:
            share = (time_s - start_s) / (end_s - start_s)
            return Pose(-40 + 720 * share, y + 6 * math.sin(time_s * 2), 130)

        return pose

    return Scene(
        "coming-and-going",
        20.0,
        (
            Actor("b", walk(0, 7, 150), _script(0, 3.5, "happy", "neutral")),
            Actor("c", walk(5, 13, 250), _script(5, 4, "surprise", "happy")),
            Actor("b", walk(13, 20, 150), _script(13, 3.5, "neutral", "sad")),
        ),
    )


@cache
def _room() -> Picture:
    """A wall with a window and a table: edges that are not a face."""
    down = np.linspace(150, 110, HEIGHT, dtype=np.float32)[:, None]
    room = np.repeat(down, WIDTH, axis=1)
    cv2.rectangle(room, (470, 40), (600, 150), 215.0, -1)
    cv2.line(room, (535, 40), (535, 150), 90.0, 4)
    cv2.line(room, (470, 95), (600, 95), 90.0, 4)
    cv2.rectangle(room, (470, 40), (600, 150), 90.0, 5)
    cv2.rectangle(room, (40, 270), (300, 290), 70.0, -1)
    cv2.rectangle(room, (60, 290), (75, 360), 70.0, -1)
    cv2.rectangle(room, (265, 290), (280, 360), 70.0, -1)
    return cv2.GaussianBlur(room, (0, 0), 1.5).astype(np.float32)


@cache
def _tile(person: str, emotion: str) -> Picture:
    tile = cv2.imread(str(_FACES / f"{person}-{emotion}.png"), cv2.IMREAD_GRAYSCALE)
    assert tile is not None, f"the asset {person}-{emotion} is missing"
    return tile.astype(np.float32)


@cache
def _feather(side: int) -> Picture:
    """Opacity of a tile: 1 in the middle, 0 outside the inscribed circle."""
    away = np.linspace(-1, 1, side, dtype=np.float32)
    radius = np.hypot(away[:, None], away[None, :])
    return np.clip((0.97 - radius) / 0.12, 0, 1).astype(np.float32)


def _expression(actor: Actor, time_s: float) -> Picture:
    """Return the actor's tile at that time, faded from the expression before."""
    index = next(i for i, s in enumerate(actor.segments) if time_s < s.end_s)
    segment = actor.segments[index]
    tile = _tile(actor.person, segment.emotion)
    into_s = time_s - segment.start_s
    if index and into_s < FADE_S:
        before = _tile(actor.person, actor.segments[index - 1].emotion)
        return before + (tile - before) * np.float32(into_s / FADE_S)
    return tile


def _paste(picture: Picture, tile: Picture, pose: Pose) -> None:
    """Blend the tile into the picture with subpixel precision; parts outside are cut off."""
    scale = pose.side / tile.shape[0]
    left, top = pose.x - pose.side / 2, pose.y - pose.side / 2
    place = np.array([[scale, 0, left], [0, scale, top]], np.float32)
    size = (WIDTH, HEIGHT)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    face = cv2.warpAffine(tile, place, size, flags=interpolation, borderMode=cv2.BORDER_REPLICATE)
    opacity = cv2.warpAffine(_feather(tile.shape[0]), place, size, flags=cv2.INTER_LINEAR)
    picture += (np.asarray(face, np.float32) - picture) * np.asarray(opacity, np.float32)
