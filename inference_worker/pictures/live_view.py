"""Draws what a live source shows now, a few times a second, for whoever watches."""

import time
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from broker.bus import Bus
from broker.live_view import Reading, View
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import FrameMessage
from contracts.settings import LiveView
from inference_worker.pictures.drawing import DrawnFace, Image, blur_faces, draw_faces

_EVERY_S: Final = 0.4
_WIDEST: Final = 640
_QUALITY: Final = 80


class Views:
    """Shows the newest frame of each live source, as `kind` says."""

    def __init__(
        self, bus: Bus, kind: LiveView, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bus = bus
        self._kind = kind
        self._clock = clock
        self._next: dict[str, float] = {}

    def note(self, source: str, frame: FrameMessage, result: FrameResult) -> None:
        """A frame was committed: show it, if the one before was shown long enough."""
        now = self._clock()
        if self._kind is LiveView.OFF or now < self._next.get(source, 0.0):
            return
        self._next = {name: at for name, at in self._next.items() if at > now}
        self._next[source] = now + _EVERY_S
        readings = tuple(_reading(face, frame) for face in result.faces)
        View(
            source=source,
            run_id=frame.run_id,
            captured_at_us=frame.captured_at_us,
            width=frame.display_width,
            height=frame.display_height,
            readings=readings,
            picture=picture(frame, result, blurred=self._kind is LiveView.BLURRED),
        ).show(self._bus)


def picture(frame: FrameMessage, result: FrameResult, *, blurred: bool) -> bytes:
    """The frame as JPEG, at most 640 pixels wide, with what was read drawn onto it."""
    luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
    wide = min(frame.width, _WIDEST)
    high = max(round(frame.height * wide / frame.width), 1)
    small: Image = np.asarray(
        cv2.resize(luma, (wide, high), interpolation=cv2.INTER_AREA), np.uint8
    )
    scale_x, scale_y = wide / frame.display_width, high / frame.display_height
    faces = [
        DrawnFace(
            track_id=face.track_id,
            x=face.box.x * scale_x,
            y=face.box.y * scale_y,
            w=face.box.w * scale_x,
            h=face.box.h * scale_y,
            label=face.smoothed_emotion,
            confidence=face.smoothed_confidence,
        )
        for face in result.faces
    ]
    drawn = draw_faces(blur_faces(small, faces) if blurred else small, faces)
    _, jpeg = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return jpeg.tobytes()


def _reading(face: FaceResult, frame: FrameMessage) -> Reading:
    return Reading(
        track_id=face.track_id,
        x=round(face.box.x / frame.display_width, 4),
        y=round(face.box.y / frame.display_height, 4),
        w=round(face.box.w / frame.display_width, 4),
        h=round(face.box.h / frame.display_height, 4),
        emotion=face.smoothed_emotion,
        confidence=round(face.smoothed_confidence, 3),
        probabilities=tuple(round(share, 3) for share in face.probabilities),
    )
