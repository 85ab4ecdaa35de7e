"""LiveViews: the newest annotated frame of each live source, published a few times a second."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from broker.bus import Bus
from broker.live_view import FaceReading, SourceView
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import FrameMessage
from contracts.settings import LiveView
from inference_worker.pictures.colour import bgr_picture
from inference_worker.pictures.drawing import DrawnFace, blur_faces, draw_faces
from runtime.decoding.opencv import cv2

_INTERVAL_S: Final = 0.4
_COLOUR_INTERVAL_S: Final = 0.2
"""Frames with colour come every 0.4 s: one that is a little early is drawn."""
_GREY_AFTER_S: Final = 2.0
"""Time without colour after which a source's frames are drawn in grey."""
_MAX_WIDTH: Final = 640
_JPEG_QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class _Drawn:
    """When a source's view was drawn, and until when only frames with colour are drawn."""

    at_s: float
    colour_until_s: float

    def due_s(self, *, coloured: bool) -> float:
        """Return when the next view is due: one with colour, or one without."""
        if coloured:
            return self.at_s + _COLOUR_INTERVAL_S
        return max(self.at_s + _INTERVAL_S, self.colour_until_s)


class LiveViews:
    """Publishes live views to the broker: off, blurred or clear, depending on `kind`."""

    def __init__(
        self, bus: Bus, kind: LiveView, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bus = bus
        self._kind = kind
        self._clock = clock
        self._drawn: dict[str, _Drawn] = {}

    def update(
        self, source: str, frames: Sequence[FrameMessage], results: Sequence[FrameResult]
    ) -> None:
        """Publish the newest of these committed frames, unless the source's view is newer.

        While the source's frames come with colour, only those are drawn. Raises BrokerError.
        """
        if self._kind is LiveView.OFF:
            return
        newest = max(range(len(frames)), key=lambda place: (bool(frames[place].chroma), place))
        frame, result = frames[newest], results[newest]
        if not self._is_due(source, coloured=bool(frame.chroma)):
            return
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

    def _is_due(self, source: str, *, coloured: bool) -> bool:
        """Return whether to draw a frame of the source now, and note that it is drawn."""
        now = self._clock()
        before = self._drawn.get(source)
        if before is not None and now < before.due_s(coloured=coloured):
            return False
        self._drawn = {
            name: one for name, one in self._drawn.items() if now < one.due_s(coloured=False)
        }
        self._drawn[source] = _Drawn(now, now + _GREY_AFTER_S if coloured else now)
        return True


def annotated_jpeg(frame: FrameMessage, result: FrameResult, *, blurred: bool) -> bytes:
    """Return the frame as JPEG, at most 640 pixels wide, with its results drawn onto it."""
    wide = min(frame.width, _MAX_WIDTH)
    high = max(round(frame.height * wide / frame.width), 1)
    small = bgr_picture(frame.luma, frame.chroma, (frame.width, frame.height), (wide, high))
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
            mark=face.mark,
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
        mark=face.mark,
    )
