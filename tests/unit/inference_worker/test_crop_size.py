"""A model's crops are cut at the size in its card: in analysis, in images, in calibration."""

import json
from pathlib import Path

import numpy as np
import pytest

from contracts.analysis_spec import AnalysisOptions
from contracts.errors import ModelError
from contracts.model_card import CARD_NAME, ModelCard
from contracts.settings import DetectorName
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.crops import face_crop
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.quality import face_quality
from inference_worker.pictures.single_image import analyze_image
from runtime.decoding.opencv import cv2
from tests.litert_models import write_small_model
from tests.unit.inference_worker.test_analysis import message
from training.card import recalibrate
from training.data.dataset import Split

FACES = Path(__file__).parents[3] / "moodline" / "assets" / "faces"


def room_with_a_face() -> np.ndarray:
    picture = np.full((360, 640), 128, np.uint8)
    tile = cv2.imread(str(FACES / "a-happy.png"), cv2.IMREAD_GRAYSCALE)
    picture[100:228, 200:328] = tile
    return picture


@pytest.mark.parametrize("side", [32, 96])
def test_faces_are_read_from_crops_of_the_models_size(side: int, tmp_path: Path) -> None:
    classifier = LiteRTClassifier(write_small_model(tmp_path / "model", side))
    detector = make_detector(detector_id(DetectorName.HAAR))
    options = AnalysisOptions(
        smoothing_s=0.4, uncertain_below=None, min_face_px=24, max_frame_side=1280
    )
    analyzer = RunAnalyzer(detector, classifier, options)
    picture = room_with_a_face()

    detected = analyzer.detect([message(0, picture)])
    (result,) = analyzer.smooth(detected, classifier.classify(np.stack(detected.crops)))

    (crop,), (face,) = detected.crops, result.faces
    assert crop.shape == (side, side)
    (row,) = classifier.classify(crop[None])
    assert face.probabilities == tuple(row.tolist())
    if side > 48:
        halved = np.repeat(np.repeat(crop[::2, ::2], 2, axis=0), 2, axis=1)
        assert np.abs(crop.astype(int) - halved).mean() > 3, "the crop was enlarged, not cut"


def test_an_image_is_read_in_crops_of_the_models_size(tmp_path: Path) -> None:
    classifier = LiteRTClassifier(write_small_model(tmp_path / "model", 96))
    detector = make_detector(detector_id(DetectorName.HAAR))
    picture = room_with_a_face()
    _, png = cv2.imencode(".png", picture)

    result = analyze_image(png.tobytes(), detector, classifier, min_face_px=24, uncertain_below=0.0)

    (face,) = result.faces
    (found,) = detector.search(picture, 24, thorough=True)
    (row,) = classifier.classify(face_crop(picture, found.box, classifier.card.framing)[None])
    assert face.confidence == pytest.approx(row.max(), abs=1e-4)


def test_quality_does_not_depend_on_the_size_of_the_crop(tmp_path: Path) -> None:
    picture = room_with_a_face()
    (found,) = make_detector(detector_id(DetectorName.HAAR)).search(picture, 24, thorough=True)
    for blur in (0.1, 1.0, 2.0, 4.0):
        blurred = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8)
        qualities = [
            face_quality(
                face_crop(blurred, found.box, ModelCard.read(_model(tmp_path, side)).framing), 118
            )
            for side in (48, 96)
        ]
        assert qualities[1] == pytest.approx(qualities[0], abs=0.05)


def _model(folder: Path, side: int) -> Path:
    path = folder / str(side)
    return path if path.exists() else write_small_model(path, side)


@pytest.mark.parametrize("shape", [[48, 64, 3], [8, 8, 3], [1024, 1024, 3], [48, 48, 1]])
def test_a_card_of_another_shape_is_refused(shape: list[int], tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "model", 48)
    _describe(folder, input_shape=shape)
    with pytest.raises(ModelError, match="unsupported inputs") as refused:
        ModelCard.read(folder)
    assert "16 to 512 pixels" in refused.value.hint


def test_weights_of_another_size_than_the_card_are_refused(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "model", 48)
    _describe(folder, input_shape=[96, 96, 3])
    with pytest.raises(
        ModelError, match=r"inputs of model.tflite are \(48, 48, 3\), not \(96, 96, 3\)"
    ):
        LiteRTClassifier(folder)


def test_a_model_is_calibrated_at_its_own_size(tmp_path: Path) -> None:
    folder = write_small_model(tmp_path / "model", 96)
    _describe(folder, heads=_two_heads(folder))
    rng = np.random.default_rng(3)
    labels = np.arange(70) % 7
    images = rng.integers(0, 256, (70, 48, 48)).astype(np.uint8)
    votes = np.eye(7, dtype=np.float32)[labels] * 10
    split = Split(images, labels.astype(np.int64), votes, tuple(map(str, range(70))))

    card = recalibrate(folder, split, "val", tmp_path / "calibrated")

    assert card.framing.side == 96
    assert LiteRTClassifier(tmp_path / "calibrated").card.version == card.version


def _two_heads(folder: Path) -> dict[str, object]:
    heads = json.loads((folder / CARD_NAME).read_text())["heads"]
    return {name: heads[name] | {"output": "ferplus"} for name in ("fer2013", "ferplus")}


def _describe(folder: Path, **changes: object) -> None:
    card = json.loads((folder / CARD_NAME).read_text())
    (folder / CARD_NAME).write_text(json.dumps(card | changes))
