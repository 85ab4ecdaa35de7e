"""The default detector on clips: one talking face, also turned; people from behind; no face."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from contracts.settings import Settings
from inference_worker.faces.detectors.choice import chosen_detector
from inference_worker.faces.detectors.detection import Image
from inference_worker.faces.tracking_detector import TrackedFace, TrackingDetector
from ingest.files.source import FileSource
from runtime.decoding.opencv import cv2, decode_picture
from tests.data import test_data

pytestmark = pytest.mark.slow


def faces_of(
    clip: Path, change: Callable[[Image], Image] = lambda luma: luma, frames: int = 10**6
) -> Iterator[list[TrackedFace]]:
    """Yield the faces of each frame, changed before it is searched."""
    tracking = TrackingDetector(chosen_detector(Settings()))
    with FileSource(clip, fps=None, max_side=1280) as source:
        for number, frame in enumerate(source.frames()):
            if number == frames:
                return
            luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
            yield tracking.detect(change(luma), frame.media_time_us, 24)


def turned(roll: float) -> Callable[[Image], Image]:
    """Return a function that turns a frame clockwise in a square that holds it."""

    def turn(luma: Image) -> Image:
        height, width = luma.shape
        side = int(np.ceil(np.hypot(height, width)))
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -roll, 1.0)
        matrix[:, 2] += [(side - width) / 2, (side - height) / 2]
        return np.asarray(cv2.warpAffine(luma, matrix, (side, side)), np.uint8)

    return turn


CHANGES: dict[str, Callable[[Image], Image]] = {
    "upright": lambda luma: luma,
    "15": turned(15),
    "30": turned(30),
    "45": turned(45),
    "-45": turned(-45),
    "90": turned(90),
    "mirrored": lambda luma: np.ascontiguousarray(luma[:, ::-1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_talking_face_is_one_track_in_every_frame(change: str) -> None:
    found = list(faces_of(test_data("clips/talking_face.mp4"), CHANGES[change], 600))
    assert [len(faces) for faces in found] == [1] * 600
    assert len({face.track.track_id for faces in found for face in faces}) == 1


def test_people_from_behind_are_hardly_taken_for_faces() -> None:
    found = [len(faces) for faces in faces_of(test_data("clips/people_walking.mp4"))]
    assert sum(found) <= 0.003 * len(found)


def test_nothing_is_found_where_no_face_is() -> None:
    assert not any(faces_of(test_data("clips/no_face.mp4")))


def test_five_faces_are_found_in_a_photograph() -> None:
    luma = decode_picture(test_data("clips/multi_face.jpg").read_bytes(), cv2.IMREAD_GRAYSCALE)
    assert luma is not None
    assert len(chosen_detector(Settings()).search(np.asarray(luma), 24, thorough=True)) == 5
