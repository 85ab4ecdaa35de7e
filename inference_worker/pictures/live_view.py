"""LiveViews: the newest annotated frame of each live source, published a few times a second."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from broker.bus import Bus
from broker.live_view import FaceReading, SourceView
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import FrameMessage
from contracts.settings import LiveView
from inference_worker.pictures.drawing import DrawnFace, Image, blur_faces, draw_faces
from runtime.decoding.opencv import cv2

_INTERVAL_S: Final = 0.4
_MAX_WIDTH: Final = 640
_JPEG_QUALITY: Final = 80


class LiveViews:
    """Publishes live views to the broker: off, blurred or clear, depending on `kind`."""

    def __init__(
        self, bus: Bus, kind: LiveView, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bus = bus
        self._kind = kind
        self._clock = clock
        self._due: dict[str, float] = {}

    def update(self, source: str, frame: FrameMessage, result: FrameResult) -> None:
        """Publish a committed frame, unless the source's previous view is newer than 0.4 s.

        Raises BrokerError.
        """
        now = self._clock()
        if self._kind is LiveView.OFF or now < self._due.get(source, 0.0):
            return
        self._due = {name: at for name, at in self._due.items() if at > now}
        self._due[source] = now + _INTERVAL_S
        readings = tuple(_reading(face, frame) for face in result.faces)
        SourceView(
            source=source,
            run_id=frame.run_id,
            captured_at_us=frame.captured_at_us,
            width=frame.display_width,
            height=frame.display_height,
            readings=readings,
            picture=annotated_jpeg(frame, result, blurred=self._kind is LiveView.BLURRED),
        ).publish(self._bus)


def annotated_jpeg(frame: FrameMessage, result: FrameResult, *, blurred: bool) -> bytes:
    """Return the frame as JPEG, at most 640 pixels wide, with its results drawn onto it."""
    luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
    wide = min(frame.width, _MAX_WIDTH)
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
    _, jpeg = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return jpeg.tobytes()


def _reading(face: FaceResult, frame: FrameMessage) -> FaceReading:
    return FaceReading(
        track_id=face.track_id,
        x=round(face.box.x / frame.display_width, 4),
        y=round(face.box.y / frame.display_height, 4),
        w=round(face.box.w / frame.display_width, 4),
        h=round(face.box.h / frame.display_height, 4),
        emotion=face.smoothed_emotion,
        confidence=round(face.smoothed_confidence, 3),
        probabilities=tuple(round(p, 3) for p in face.probabilities),
    )
