"""Landmarks: an option of a run, read by MediaPipe's networks where their file is there."""

from pathlib import Path

import numpy as np
import pytest

from contracts.analysis_spec import AnalysisOptions
from contracts.errors import ModelError
from contracts.frame_results import FaceResult, FaceShape
from contracts.frames import Counters, FrameMessage
from contracts.geometry import Box
from contracts.settings import DetectorName, Settings
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.detectors.detection import Image
from inference_worker.faces.landmarks.blendshapes import NAMES, POINTS
from inference_worker.faces.landmarks.landmarker import FaceLandmarker
from inference_worker.faces.landmarks.task_file import read_task
from inference_worker.faces.model_choice import shipped_model
from moodline.analysis.run_spec import analysis_spec
from runtime.decoding.opencv import cv2
from tests.data import test_data

FACES = Path(__file__).parents[3] / "moodline" / "assets" / "faces"
PLACE = Box(200, 100, 128, 128)


class FakeLandmarker:
    """Gives every face the same shape, and counts the faces."""

    shape = FaceShape(0.3, 0.1, (0.5,) * 52)

    def __init__(self) -> None:
        self.faces = 0

    def read(self, luma: Image, box: Box, roll: float) -> FaceShape | None:
        assert luma.ndim == 2 and box.w > 0 and abs(roll) < 45
        self.faces += 1
        return self.shape


def picture(name: str) -> Image:
    luma = np.full((360, 640), 128, np.uint8)
    tile = cv2.imread(str(FACES / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    assert tile is not None
    luma[100:228, 200:328] = tile
    return luma


def faces_of(landmarker: FakeLandmarker | None, *, landmarks: bool) -> list[FaceResult]:
    options = AnalysisOptions(0.4, None, 24, 1280, landmarks=landmarks)
    detector = make_detector(detector_id(DetectorName.CENTERFACE))
    classifier = LiteRTClassifier(shipped_model())
    analyzer = RunAnalyzer(detector, classifier, options, b"", landmarker)
    size = {"width": 640, "height": 360, "display_width": 640, "display_height": 360}
    messages = [
        FrameMessage("r", n + 1, n, n * 40_000, n, **size, counters=Counters(n + 1), luma=luma)
        for n, luma in enumerate([picture("a-happy").tobytes()] * 3)
    ]
    return [face for result in analyzer.analyze(messages) for face in result.faces]


def test_faces_have_a_shape_where_the_run_wants_it() -> None:
    landmarker = FakeLandmarker()
    assert [face.shape for face in faces_of(landmarker, landmarks=True)] == [landmarker.shape] * 3
    assert landmarker.faces == 3


def test_other_runs_of_the_same_worker_have_none() -> None:
    landmarker = FakeLandmarker()
    assert {face.shape for face in faces_of(landmarker, landmarks=False)} == {None}
    assert landmarker.faces == 0


def test_a_run_with_landmarks_is_other_work() -> None:
    plain = AnalysisOptions(0.4, None, 24, 1280)
    assert "landmarks" not in plain.values() and "window_s" not in plain.values()
    with_them = AnalysisOptions(0.4, None, 24, 1280, landmarks=True)
    assert with_them.values()["landmarks"] is True
    assert AnalysisOptions.of_values(with_them.values()) == with_them


@pytest.mark.parametrize("data", [None, b"", b"PK another file"])
def test_only_the_published_file_is_used(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "face_landmarker.task"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ModelError) as failed:
        read_task(path)
    assert "moodline detector add landmarks" in failed.value.line()
    with pytest.raises(ModelError):
        analysis_spec(Settings(landmarks=True, landmarks_file=str(path)))
    analysis_spec(Settings(landmarks_file=str(path)))


def test_the_names_and_points_are_those_of_the_networks() -> None:
    assert (len(NAMES), len(set(NAMES))) == (52, 52)
    assert (len(POINTS), len(set(POINTS)), max(POINTS)) == (146, 146, 477)


def test_smiles_and_open_mouths_are_in_the_blendshapes() -> None:
    landmarker = FaceLandmarker(test_data("models/face_landmarker.task"))
    shapes = {
        name: landmarker.read(picture(f"a-{name}"), PLACE, 0.0)
        for name in ("happy", "neutral", "surprise")
    }
    happy, neutral, surprise = (shapes[name] for name in ("happy", "neutral", "surprise"))
    assert happy is not None and neutral is not None and surprise is not None
    smile, jaw = NAMES.index("mouthSmileLeft"), NAMES.index("jawOpen")
    assert happy.blendshapes[smile] > 0.3
    assert neutral.blendshapes[smile] < 0.1
    assert surprise.mouth_openness > neutral.mouth_openness + 0.1
    assert surprise.blendshapes[jaw] > neutral.blendshapes[jaw]
    assert 0.1 < neutral.eye_openness < 0.6
    assert landmarker.read(picture("a-happy"), PLACE, 0.0) == happy, "the same each time"
    assert landmarker.read(np.full((360, 640), 128, np.uint8), PLACE, 0.0) is None
