"""Head pose: from five points, in tracks and rows, and as part of quality."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from contracts.analysis_spec import AnalysisOptions
from contracts.geometry import Box, HeadPose
from contracts.settings import DetectorName
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.detectors.detection import (
    Detection,
    detection_from_points,
    upright_window,
)
from inference_worker.faces.detectors.head_pose import FacePoints, head_pose
from inference_worker.faces.detectors.schedule import SearchSchedule
from inference_worker.faces.model_choice import shipped_model
from inference_worker.faces.quality import LEAST_QUALITY, face_quality, pose_quality
from inference_worker.pictures.single_image import analyze_image
from runtime.decoding.opencv import cv2
from tests.unit.inference_worker.test_analysis import message

FACES = Path(__file__).parents[3] / "moodline" / "assets" / "faces"
FACE = np.array(
    [[-0.5, -0.5, 0.16], [0.5, -0.5, 0.16], [0, 0, -0.38], [-0.4, 0.5, 0.03], [0.4, 0.5, 0.03]]
)
"""Eyes, nose and corners of the mouth: x to the right, y down, z away."""


def projected(yaw: float, pitch: float, roll: float, side: float = 40.0) -> FacePoints:
    across, up, tilt = (math.radians(angle) for angle in (yaw, pitch, roll))
    about_y = [
        [math.cos(across), 0, -math.sin(across)],
        [0, 1, 0],
        [math.sin(across), 0, math.cos(across)],
    ]
    about_x = [[1, 0, 0], [0, math.cos(up), math.sin(up)], [0, -math.sin(up), math.cos(up)]]
    about_z = [
        [math.cos(tilt), -math.sin(tilt), 0],
        [math.sin(tilt), math.cos(tilt), 0],
        [0, 0, 1],
    ]
    points = side * FACE @ (np.array(about_z) @ about_y @ about_x).T
    return FacePoints(*[(float(x) + 300, float(y) + 200) for x, y, _ in points])


@pytest.mark.parametrize("roll", [-90, -20, 0, 45])
@pytest.mark.parametrize("yaw", [-70, -30, 0, 15, 55])
def test_the_yaw_of_five_points_does_not_depend_on_roll_and_size(yaw: int, roll: int) -> None:
    found, large = (head_pose(projected(yaw, 0, roll, side), roll) for side in (20, 200))
    assert found[0] == pytest.approx(yaw, abs=1.5)
    assert found == pytest.approx(large)


def test_the_pitch_of_five_points_grows_as_the_face_turns_up() -> None:
    found = [head_pose(projected(0, pitch, 0), 0)[1] for pitch in range(-30, 31, 5)]
    assert found == sorted(found)
    assert found[0] < -20 < 20 < found[-1]


def test_a_detection_keeps_its_pose_when_a_window_is_mapped_back() -> None:
    face = detection_from_points(projected(-25, 0, 0))
    window = upright_window(np.zeros((400, 400), np.uint8), Box(100, 100, 100, 100), 40, 2.0, 128)
    found = window.detection(face, 40)
    assert found.pose == HeadPose(
        *(pytest.approx(angle, abs=0.06) for angle in (face.roll + 40, face.yaw, face.pitch))
    )
    assert Detection(Box(0, 0, 9, 9)).pose is None


def turned_head(face: np.ndarray, yaw: float) -> np.ndarray:
    """Return the square picture of a face on a rounded head with a nose, turned by `yaw` degrees.

    A surface in three dimensions: each pixel of the result takes its colour where the turned
    surface shows it.
    """
    side, angle = len(face), math.radians(yaw)
    y, x = np.mgrid[:side, :side].astype(np.float32) / (side / 2) - 1
    depth = -0.85 * np.sqrt(np.clip(1 - (x * 0.9) ** 2 - (y * 0.6) ** 2, 0, 1))
    depth -= 0.22 * np.exp(-((x / 0.16) ** 2) - ((y - 0.12) / 0.24) ** 2)
    shown_x = x * math.cos(angle) - (depth + 0.5) * math.sin(angle)
    shown_depth = x * math.sin(angle) + (depth + 0.5) * math.cos(angle)
    picture = np.full((side, side), 128, np.uint8)
    nearest = np.full((side, side), np.inf)
    columns = (shown_x + 1) * side / 2
    for row in range(side):
        for column in np.argsort(-shown_depth[row]):
            for at in (math.floor(columns[row, column]), math.ceil(columns[row, column])):
                if 0 <= at < side and shown_depth[row, column] < nearest[row, at]:
                    nearest[row, at], picture[row, at] = (
                        shown_depth[row, column],
                        face[row, column],
                    )
    return np.asarray(cv2.medianBlur(picture, 3), np.uint8)


@pytest.mark.parametrize("name", ["a-neutral", "b-happy", "c-neutral"])
def test_the_default_networks_points_show_where_a_face_turns(name: str) -> None:
    face = cv2.imread(str(FACES / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    assert face is not None
    detector = make_detector(detector_id(DetectorName.CENTERFACE))
    yaws = []
    for turn in (-40, -20, 20, 40):
        picture = np.full((384, 384), 128, np.uint8)
        picture[128:256, 128:256] = turned_head(np.asarray(face, np.uint8), turn)
        found = detector.follow(picture, Detection(Box(128, 128, 128, 128)))
        assert found is not None and found.pose is not None
        yaws.append(found.pose.yaw)
    assert yaws == sorted(yaws) and yaws[1] < 0 < yaws[2]
    assert yaws[3] - yaws[0] > 20, "a made head turns less than a real one"


@pytest.mark.parametrize("name", [DetectorName.HAAR, DetectorName.HAAR_EQUALIZED])
def test_a_cascade_knows_no_pose(name: DetectorName) -> None:
    picture = np.full((360, 640), 128, np.uint8)
    picture[100:228, 200:328] = cv2.imread(str(FACES / "a-happy.png"), cv2.IMREAD_GRAYSCALE)
    (found,) = make_detector(detector_id(name)).search(picture, 40, thorough=True)
    assert found.pose is None


# -- quality


def test_quality_falls_as_a_face_turns_away_and_ends_at_the_largest_angles() -> None:
    yaws = [pose_quality(HeadPose(0, yaw, 0)) for yaw in range(0, 91, 5)]
    assert yaws == sorted(yaws, reverse=True) and yaws[0] == 1.0 and yaws[-1] == 0.0
    for pose in (HeadPose(0, -59, 0), HeadPose(0, 59, 0), HeadPose(80, 0, 39)):
        assert pose_quality(pose) >= LEAST_QUALITY
    for pose in (HeadPose(0, -61, 0), HeadPose(0, 61, 0), HeadPose(0, 0, -41)):
        assert pose_quality(pose) < LEAST_QUALITY


def test_a_face_of_unknown_pose_has_the_quality_of_its_pixels() -> None:
    crop = np.random.default_rng(1).integers(0, 256, (48, 48), dtype=np.uint8)
    assert face_quality(crop, 30) == face_quality(crop, 30, HeadPose(0, 0, 0)) == 0.625


# -- analysis


class TurningFace:
    """A detector of one face at one place, whose pose the test sets."""

    id = "turning/1"

    def __init__(self, schedule: SearchSchedule | None = None) -> None:
        self.yaw: float | None = 0.0
        self.schedule = schedule or SearchSchedule()

    def search(self, luma: np.ndarray, min_side: float, *, thorough: bool) -> list[Detection]:
        pitch = None if self.yaw is None else 0.0
        return [Detection(Box(205, 105, 118, 118), 0.0, self.yaw, pitch)]

    def search_turned(self, luma: np.ndarray, min_side: float) -> list[Detection]:
        return []

    def follow(
        self, luma: np.ndarray, expected: Detection, *, closely: bool = True
    ) -> Detection | None:
        return self.search(luma, 0, thorough=False)[0]


@pytest.fixture(scope="module")
def classifier() -> LiteRTClassifier:
    return LiteRTClassifier(shipped_model())


def picture_of_a_face() -> np.ndarray:
    picture = np.full((360, 640), 128, np.uint8)
    picture[100:228, 200:328] = cv2.imread(str(FACES / "a-happy.png"), cv2.IMREAD_GRAYSCALE)
    return picture


def test_a_face_that_turns_away_is_seen_and_uncertain(classifier: LiteRTClassifier) -> None:
    detector, options = TurningFace(), AnalysisOptions(0.4, None, 24, 1280)
    analyzer = RunAnalyzer(detector, classifier, options)
    labels = []
    for number, yaw in enumerate([0.0, 30.0, *[75.0] * 30, None]):
        detector.yaw = yaw
        analyzer = RunAnalyzer(detector, classifier, options, analyzer.checkpoint())
        (result,) = analyzer.analyze([message(number, picture_of_a_face())])
        (face,) = result.faces
        labels.append((face.emotion, face.smoothed_emotion))
        assert face.pose == (None if yaw is None else HeadPose(0.0, yaw, 0.0))
        assert face.track_id == 1 and max(face.probabilities) > 0.5

    # The label lasts as long as a lost track; then the face is still there, and uncertain.
    assert labels[:2] == [("happy", "happy")] * 2
    assert labels[2] == (None, "happy") and labels[31] == (None, None)
    assert labels[32] == ("happy", "happy"), "a face of unknown pose is read"


def test_an_image_says_that_a_face_is_turned_away(classifier: LiteRTClassifier) -> None:
    detector = TurningFace()
    detector.yaw = -70.0
    _, png = cv2.imencode(".png", picture_of_a_face())

    result = analyze_image(png.tobytes(), detector, classifier, min_face_px=24, uncertain_below=0.1)

    (face,) = result.faces
    assert face.label is None and face.why == "The face is turned away too far."


def test_a_checkpoint_without_poses_is_continued(classifier: LiteRTClassifier) -> None:
    detector, options = TurningFace(), AnalysisOptions(0.4, None, 24, 1280)
    analyzer = RunAnalyzer(detector, classifier, options)
    analyzer.analyze([message(0, picture_of_a_face())])
    older = json.loads(analyzer.checkpoint())
    for track in older["finder"]["tracker"]["tracks"]:
        del track["pose"]

    resumed = RunAnalyzer(detector, classifier, options, json.dumps(older).encode())

    after = [message(1, picture_of_a_face())]
    assert resumed.analyze(after) == analyzer.analyze(after)


def test_a_face_that_is_predicted_keeps_its_pose(classifier: LiteRTClassifier) -> None:
    detector = TurningFace(SearchSchedule(predicted_us=70_000))
    detector.yaw = 20.0
    options = AnalysisOptions(0.4, None, 24, 1280)
    checkpoint = b""
    for number in range(6):
        analyzer = RunAnalyzer(detector, classifier, options, checkpoint)
        (result,) = analyzer.analyze([message(number, picture_of_a_face(), number * 40_000)])
        assert [face.pose for face in result.faces] == [HeadPose(0.0, 20.0, 0.0)]
        checkpoint = analyzer.checkpoint()
