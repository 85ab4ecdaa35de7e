"""Detectors, crops, quality, smoothing and the classifier."""

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contracts.errors import ModelError, SettingsError
from contracts.expressions import EXPRESSIONS
from contracts.geometry import Box
from contracts.model_card import FURTHER_NAMES, WEIGHTS_NAME, Framing
from contracts.settings import DetectorName, Device
from inference_worker.faces.classifier_devices import open_classifier
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.crops import face_crop
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.detectors.detection import Detection, distinct, same_face
from inference_worker.faces.detectors.network_files import NETWORKS, read_network
from inference_worker.faces.model_choice import chosen_model, shipped_model, shipped_models
from inference_worker.faces.quality import face_quality
from inference_worker.faces.readings.smoothing import smoothed
from runtime.decoding.opencv import cv2
from training.classifier import LiteRtModel
from training.teachers.answers import softmax

INCLUDED = [name for name in DetectorName if name is not DetectorName.YUNET]
FACES = Path(__file__).parents[3] / "moodline" / "assets" / "faces"
FRAMING = Framing(side=48, margin=0.02)


def average_face(name: str) -> np.ndarray:
    picture = cv2.imread(str(FACES / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return np.asarray(picture, np.uint8)


@pytest.fixture(scope="module")
def classifier() -> LiteRTClassifier:
    return LiteRTClassifier(shipped_model())


# -- detection


@pytest.mark.parametrize("name", INCLUDED)
@pytest.mark.parametrize("path", sorted(FACES.glob("*.png")), ids=lambda path: path.stem)
def test_every_average_face_is_detected(name: DetectorName, path: Path) -> None:
    picture = np.full((360, 640), 128, np.uint8)
    picture[100:228, 200:328] = average_face(path.stem)

    found = make_detector(detector_id(name)).search(picture, 40, thorough=True)

    assert len(found) == 1
    assert found[0].box.iou(Box(205, 105, 118, 118)) > 0.5


@pytest.mark.parametrize("name", INCLUDED)
def test_follow_finds_a_face_near_the_expected_box_only(name: DetectorName) -> None:
    picture = np.full((360, 640), 128, np.uint8)
    picture[100:228, 200:328] = average_face("a-happy")
    detector = make_detector(detector_id(name))

    assert detector.follow(picture, Detection(Box(215, 100, 110, 110))) is not None
    assert detector.follow(picture, Detection(Box(400, 100, 110, 110))) is None
    assert detector.follow(picture, Detection(Box(630, 350, 110, 110))) is None


def turned(picture: np.ndarray, roll: float) -> np.ndarray:
    """Return the square picture turned clockwise around its middle."""
    side = len(picture)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), -roll, 1.0)
    return np.asarray(
        cv2.warpAffine(picture, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


@pytest.mark.parametrize("roll", [-90, -45, -20, 20, 45, 90])
def test_a_turned_face_is_found_followed_and_cropped_upright(roll: int) -> None:
    picture = np.full((400, 400), 128, np.uint8)
    picture[136:264, 136:264] = average_face("b-happy")
    detector = make_detector(detector_id(DetectorName.CENTERFACE))
    (searched,) = detector.search(picture, 40, thorough=True)
    upright = detector.follow(picture, searched)
    assert upright is not None
    lying = turned(picture, roll)

    found = detector.search(lying, 40, thorough=True) or detector.search_turned(lying, 40)

    (face,) = found
    assert face.roll - upright.roll == pytest.approx(roll, abs=6)
    followed = detector.follow(lying, face)
    assert followed is not None and followed.box.iou(face.box) > 0.7
    expected = face_crop(picture, upright.box, FRAMING, upright.roll).astype(float)
    crop = face_crop(lying, followed.box, FRAMING, followed.roll).astype(float)
    assert np.corrcoef(expected.ravel(), crop.ravel())[0, 1] > 0.9


def test_a_wrong_weight_file_is_refused(tmp_path: Path) -> None:
    shutil.copytree(NETWORKS / "centerface", tmp_path / "copied")
    weights = tmp_path / "copied" / "model.tflite"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelError, match="not those of its card"):
        read_network(tmp_path / "copied")
    weights.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        read_network(tmp_path / "copied")


def test_the_vendored_detector_has_its_licence_and_source() -> None:
    folder = NETWORKS / "centerface"
    card, _weights = read_network(folder)
    assert card.licence == "MIT" and card.source.startswith("https://")
    assert "MIT License" in (folder / "LICENSE.txt").read_text(encoding="utf-8")


def test_an_unknown_detector_id_is_rejected() -> None:
    with pytest.raises(SettingsError):
        make_detector("haar-alt2/999")


def test_boxes_that_share_half_of_the_smaller_one_are_one_face() -> None:
    large, inside, beside = Box(0, 0, 100, 100), Box(20, 20, 30, 30), Box(90, 0, 100, 100)
    assert same_face(large, inside)
    assert not same_face(large, beside)
    found = [Detection(box) for box in (large, inside, beside)]
    assert distinct(found) == [found[0], found[2]]


# -- crops


def test_a_crop_is_the_box_with_its_margin() -> None:
    picture = np.zeros((200, 200), np.uint8)
    picture[50:150, 50:150] = 255

    assert face_crop(picture, Box(50, 50, 100, 100), Framing(48, 0.0)).min() == 255
    with_margin = face_crop(picture, Box(60, 60, 80, 80), Framing(48, 0.25))
    assert with_margin.shape == (48, 48)
    assert with_margin[24, 24] == 255
    assert with_margin[0, 0] < 255


def test_a_crop_repeats_the_edge_outside_the_frame() -> None:
    picture = np.tile(np.arange(100, dtype=np.uint8)[:, None], (1, 100))
    crop = face_crop(picture, Box(-30, 10, 60, 60), Framing(48, 0.0))
    assert (crop == crop[:, :1]).all(), "each row of the frame has one value"


@pytest.mark.parametrize("box", [Box(500, 500, 40, 40), Box(-90, -90, 40, 40)])
def test_a_box_outside_the_frame_gives_a_black_crop(box: Box) -> None:
    crop = face_crop(np.full((100, 100), 9, np.uint8), box, Framing(48, 0.1))
    assert crop.shape == (48, 48)
    assert not crop.any()


# -- quality


def test_quality_falls_with_blur_and_with_size() -> None:
    sharp = cv2.resize(average_face("a-happy"), (48, 48), interpolation=cv2.INTER_AREA)
    blurred = [
        face_quality(np.asarray(cv2.GaussianBlur(sharp, (0, 0), sd), np.uint8), 120)
        for sd in (0.5, 1.5, 3.0, 6.0)
    ]
    assert blurred == sorted(blurred, reverse=True)
    assert blurred[0] > 0.5 > blurred[-1]
    sizes = [face_quality(np.asarray(sharp, np.uint8), side) for side in (48, 36, 24, 12)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_plain_surface_has_quality_zero() -> None:
    assert face_quality(np.full((48, 48), 128, np.uint8), 120) == 0.0


# -- smoothing


def test_smoothing_does_not_depend_on_the_frame_rate() -> None:
    start, target = (1.0, *[0.0] * 6), (0.0, 1.0, *[0.0] * 5)
    once = smoothed(start, target, elapsed_s=0.4, time_constant_s=0.4, weight=1.0)
    often = start
    for _ in range(8):
        often = smoothed(often, target, elapsed_s=0.05, time_constant_s=0.4, weight=1.0)
    assert often == pytest.approx(once)
    assert sum(often) == pytest.approx(1.0)


def test_the_first_probabilities_are_kept_and_weight_zero_changes_nothing() -> None:
    first, other = (1.0, *[0.0] * 6), (0.0, 1.0, *[0.0] * 5)
    assert smoothed(None, first, elapsed_s=0, time_constant_s=0.4, weight=0.2) == first
    assert smoothed(first, other, elapsed_s=1, time_constant_s=0.4, weight=0.0) == first


# -- the classifier


def test_probabilities_sum_to_one_in_any_batch(classifier: LiteRTClassifier) -> None:
    rng = np.random.default_rng(7)
    crops = rng.integers(0, 256, (70, 48, 48), dtype=np.uint8)

    together = classifier.classify(crops)
    alone = np.concatenate([classifier.classify(crop[None]) for crop in crops])

    assert together.shape == (70, len(EXPRESSIONS))
    assert together.sum(axis=1) == pytest.approx(np.ones(70))
    assert np.array_equal(together, alone)


def test_a_smiling_face_is_classified_as_happy(classifier: LiteRTClassifier) -> None:
    crop = face_crop(average_face("a-happy"), Box(5, 5, 118, 118), classifier.card.framing)
    (row,) = classifier.classify(crop[None])
    assert EXPRESSIONS[int(row.argmax())] == "happy"


@pytest.mark.parametrize("damage", ["weights", "second", "card", "gone", "no second", "no-card"])
def test_a_damaged_model_is_rejected(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(shipped_model(), folder)
    if damage in {"weights", "second"}:
        path = folder / ("model.tflite" if damage == "weights" else "second.tflite")
        weights = bytearray(path.read_bytes())
        weights[1000] ^= 1
        path.write_bytes(weights)
    elif damage == "card":
        (folder / "model_card.json").write_text("{}")
    elif damage == "gone":
        (folder / "model.tflite").unlink()
    elif damage == "no second":
        (folder / "second.tflite").unlink()
    else:
        (folder / "model_card.json").unlink()
    with pytest.raises(ModelError):
        LiteRTClassifier(folder)


def test_another_head_than_the_cards_can_be_selected() -> None:
    crops = np.random.default_rng(5).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    own, other = LiteRTClassifier(shipped_model()), LiteRTClassifier(shipped_model(), "fer2013")

    assert own.card.record_head == "ferplus"
    assert own.card.version == LiteRTClassifier(shipped_model(), "ferplus").card.version
    # Another head is another version, so runs are not continued or reused across heads.
    assert other.card.version == f"{own.card.version}+fer2013"
    assert other.card.uncertain_below == own.card.heads["fer2013"].uncertain_below
    assert not np.allclose(own.classify(crops), other.classify(crops))
    with pytest.raises(ModelError, match="no head 'feelings'"):
        LiteRTClassifier(shipped_model(), "feelings")


def test_the_plain_record_head_names_rare_expressions_less_often() -> None:
    crops = np.random.default_rng(5).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    own, plain = (LiteRTClassifier(shipped_model(), head) for head in ("", "ferplus-plain"))

    assert plain.card.version == f"{own.card.version}+ferplus-plain"
    disgust = EXPRESSIONS.index("disgust")
    assert (plain.classify(crops)[:, disgust] < own.classify(crops)[:, disgust]).all()


def test_a_model_is_chosen_by_its_id_or_folder(tmp_path: Path) -> None:
    assert chosen_model("") == shipped_model() == shipped_models()[shipped_model().name]
    assert chosen_model(shipped_model().name) == shipped_model()
    assert chosen_model(str(tmp_path)) == tmp_path


def average_crops() -> npt.NDArray[np.uint8]:
    return np.stack(
        [
            cv2.resize(average_face(path.stem), (48, 48), interpolation=cv2.INTER_AREA)
            for path in sorted(FACES.glob("*.png"))
        ]
    )


def test_the_int8_model_reads_as_the_one_in_float() -> None:
    both = [LiteRTClassifier(shipped_models()[f"mobilenetv2-4{end}"]) for end in ("", "-int8")]

    usual, others = (one.classify(average_crops()) for one in both)

    # Its runs are not mixed with those of the other model.
    assert both[0].card.version != both[1].card.version
    second, first = np.sort(usual, axis=1)[:, -2:].T
    clear = first - second > 0.05
    assert (others.argmax(axis=1) == usual.argmax(axis=1))[clear].all() and clear.sum() > 15
    assert np.abs(others - usual).mean() < 0.01


def test_the_quick_model_is_the_first_network_of_the_usual_one(
    classifier: LiteRTClassifier,
) -> None:
    folder = shipped_models()["quick"]
    assert (folder / WEIGHTS_NAME).read_bytes() == (shipped_model() / WEIGHTS_NAME).read_bytes()
    crops = average_crops()
    own = LiteRTClassifier(folder).classify(crops)
    assert (own.argmax(axis=1) == classifier.classify(crops).argmax(axis=1)).mean() > 0.8


def test_a_face_is_read_until_it_is_clear_whatever_the_batch(classifier: LiteRTClassifier) -> None:
    looks, crops = classifier.card.looks, average_crops()
    assert looks
    seen = [crops, *(crops[:, :, ::-1] if look.mirrored else crops for look in looks)]
    networks = [
        LiteRtModel(shipped_model() / name).logits(np.repeat(faces[..., None], 3, axis=-1))
        for name, faces in zip((WEIGHTS_NAME, *FURTHER_NAMES), seen, strict=False)
    ]
    probabilities = [softmax(one["ferplus"].astype(np.float64)) for one in networks]
    mean, unsure, since = probabilities[0].copy(), np.ones(len(crops), bool), 0
    for count, look in enumerate(looks, start=1):
        unsure &= mean.max(axis=1) < look.below["ferplus"]
        assert 0 < unsure.sum() < len(crops)
        since = count if look.alone else since
        mean[unsure] = np.mean([one[unsure] for one in probabilities[since : count + 1]], axis=0)
    head = classifier.card.heads["ferplus"]
    expected = softmax(np.log(mean) / head.temperature + np.array(head.biases))

    together = classifier.classify(crops)

    assert together == pytest.approx(expected, abs=1e-5)
    singly = np.concatenate([classifier.classify(crop[None]) for crop in crops])
    assert (together == singly).all()


def test_a_gpu_worker_does_not_ask_further_networks() -> None:
    with pytest.raises(ModelError, match="has further networks, which GPU workers do not ask"):
        open_classifier("", Device.GPU)
    assert open_classifier("", Device.AUTO).device == "cpu"
