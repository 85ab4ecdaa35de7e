"""Models of several networks: how they are joined, calibrated and read."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import RecoveryError
from contracts.expressions import EXPRESSIONS
from contracts.model_card import CARD_NAME, FURTHER_NAMES, ModelCard
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.model_choice import shipped_model, shipped_models
from runtime.decoding.opencv import cv2
from tests.litert_models import FLOAT_MODEL, write_small_model
from training.calibration import probabilities
from training.card import recalibrate
from training.classifier import Cascade, open_model
from training.data.dataset import VOTE_COLUMNS
from training.data.readers import read_dataset
from training.further_looks.__main__ import main
from training.teachers.answers import describe_teacher
from training.teachers.recover import recover_network

FACES = Path(__file__).parents[3] / "moodline" / "assets" / "faces"
INT8 = shipped_models()["mobilenetv2-4-int8"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The average faces as a val split, with votes."""
    root = tmp_path / "faces"
    rows = []
    for path in sorted(FACES.glob("[abc]-*.png")):
        expression = path.stem.partition("-")[2]
        face = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        (root / "val" / expression).mkdir(parents=True, exist_ok=True)
        small = cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(root / "val" / expression / path.name), small)
        votes = {v: 10 * (e == expression) for v, e in zip(VOTE_COLUMNS, EXPRESSIONS, strict=True)}
        rows.append({"Image name": path.name, **votes})
    with (root / "labels.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return root


def join(first: Path, second: Path, data: Path, out: Path, *more: str) -> None:
    main([*map(str, (first, second)), *more, "--data", str(data), "--out", str(out)])


def test_artifacts_become_a_model_that_workers_and_training_read_alike(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "three"
    more = (str(INT8), "--ferplus-below", "0.8", "0.6", "--mirrored", "3", "--alone", "2")
    join(INT8, FLOAT_MODEL, data, out, *more)

    card, faces = ModelCard.read(out), read_dataset(data).split("val").faces
    assert [look.below for look in card.looks] == [
        {"fer2013": 0.7, "ferplus": 0.8},
        {"fer2013": 0.7, "ferplus": 0.6},
    ]
    assert [look.mirrored for look in card.looks] == [False, True]
    assert [look.alone for look in card.looks] == [True, False]
    assert card.training["second"]["model"] == ModelCard.read(FLOAT_MODEL).version
    assert card.training["third"]["model"] == ModelCard.read(INT8).version
    assert card.training["architecture"] == ModelCard.read(INT8).training["architecture"]
    model = open_model(out)
    assert isinstance(model, Cascade)
    logits = model.logits(faces)["ferplus"]
    np.testing.assert_array_equal(model.logits(faces, "ferplus")["ferplus"], logits)
    head = card.heads["ferplus"]
    worker = LiteRTClassifier(out).classify(faces[..., 0])
    np.testing.assert_allclose(
        worker, probabilities(logits, head.temperature, head.biases), atol=1e-6
    )
    alone = LiteRTClassifier(INT8).classify(faces[..., 0])
    assert np.abs(worker - alone).max() > 0.01


def test_another_calibration_keeps_all_networks(data: Path, tmp_path: Path) -> None:
    card = recalibrate(shipped_model(), read_dataset(data).split("val"), "val", tmp_path / "ours")

    shipped = ModelCard.read(shipped_model())
    assert card.looks == shipped.looks
    assert card.version.partition("@")[2] == shipped.version.partition("@")[2]
    for name in FURTHER_NAMES[: len(card.looks)]:
        copied = (tmp_path / "ours" / name).read_bytes()
        assert copied == (shipped_model() / name).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"out": INT8}, "is the folder of one of the artifacts"),
        ({"out": FLOAT_MODEL / ".." / FLOAT_MODEL.name}, "is the folder of one of the artifacts"),
        ({"below": "0"}, "must be above 0, and 1 at most"),
        ({"below": "nan"}, "must be above 0, and 1 at most"),
        ({"first": shipped_model()}, "has several networks itself"),
        ({"more": ("--mirrored", "1")}, "--mirrored: places are 2 to 2"),
        ({"more": ("--ferplus-below", "0.5", "0.6")}, "give one probability, or 1"),
        ({"more": (str(INT8),) * 2}, "2 to 3 artifacts make a model, not 4"),
        ({"second": Path("nowhere")}, "no model in nowhere"),
    ],
)
def test_what_cannot_be_joined_is_refused(
    arguments: dict[str, object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = {"first": INT8, "second": FLOAT_MODEL, "out": tmp_path / "out", "below": "0.5"}
    chosen = usual | arguments
    below = str(chosen.pop("below"))
    more = tuple(map(str, chosen.pop("more", ())))
    places = {name: Path(str(place)) for name, place in chosen.items()}
    with pytest.raises(SystemExit) as ended:
        given = (*more, "--fer2013-below", below)
        join(places["first"], places["second"], tmp_path, places["out"], *given)
    assert ended.value.code
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_networks_of_other_crops_are_not_joined(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = write_small_model(tmp_path / "large", 96)
    with pytest.raises(SystemExit):
        join(INT8, large, data, tmp_path / "out")
    assert "read crops of different sizes" in capsys.readouterr().err


def test_data_without_votes_is_refused_before_anything_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "labels.csv").unlink()
    with pytest.raises(SystemExit):
        join(INT8, FLOAT_MODEL, data, tmp_path / "out")
    assert "no face of this split has ferplus labels" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_networks_without_both_heads_are_not_joined(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(FLOAT_MODEL, tmp_path / "other")
    described = json.loads((other / CARD_NAME).read_text())
    described["heads"]["mood"] = described["heads"].pop("fer2013")
    (other / CARD_NAME).write_text(json.dumps(described))
    with pytest.raises(SystemExit):
        join(INT8, other, data, tmp_path / "out")
    assert "has other heads: fer2013, mood" in capsys.readouterr().err


def test_only_one_network_is_recovered_at_a_time() -> None:
    with pytest.raises(RecoveryError, match="has several networks"):
        recover_network(shipped_model())
    both, one = describe_teacher(shipped_model()), describe_teacher(FLOAT_MODEL)
    assert set(both) - set(one) >= {"second_sha256"}
