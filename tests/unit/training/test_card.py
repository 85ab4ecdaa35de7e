"""The model card of an artifact, from logits with known accuracy."""

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import ModelError
from contracts.expressions import EXPRESSIONS
from training.card import (
    PLAIN_HEAD,
    RECORD_HEAD,
    artifact_path,
    build_card,
    head_truth,
    write_card,
)
from training.data.dataset import Split
from training.metrics import confusion_matrix, head_report

N = 700


def split_with_votes(votes: np.ndarray | None = None) -> Split:
    labels = np.arange(N) % 7
    if votes is None:
        votes = np.eye(7, dtype=np.float32)[labels] * 8 + 1
    images = np.zeros((N, 48, 48), np.uint8)
    return Split(images, labels, votes, tuple(str(i) for i in range(N)))


def mostly_correct_logits(split: Split) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 1, (N, 7))
    return (noise + 2.5 * np.eye(7)[split.labels]).astype(np.float32)


def card_in(folder: Path) -> dict[str, object]:
    split = split_with_votes()
    artifact_path(folder).write_bytes(b"weights")
    logits = mostly_correct_logits(split)
    facts = {"id": folder.name, "created": "2026-01-01", "training": {}}
    return build_card(
        artifact_path(folder), split, {"fer2013": logits, "ferplus": logits * 3}, facts
    )


def test_a_worker_can_read_a_written_card(tmp_path: Path) -> None:
    card = write_card(tmp_path, card_in(tmp_path))

    assert card.labels == EXPRESSIONS
    assert card.record_head == RECORD_HEAD
    assert card.heads["ferplus"].output == "ferplus"
    # The second head's logits are three times the first's, and so is its temperature.
    ratio = card.heads["ferplus"].temperature / card.heads["fer2013"].temperature
    assert ratio == pytest.approx(3.0, rel=0.01)
    assert card.metrics["at_threshold"]["threshold"] == card.uncertain_below
    assert card.metrics["at_threshold"]["coverage"] > 0.9


def test_weights_that_differ_from_the_card_are_rejected(tmp_path: Path) -> None:
    card = card_in(tmp_path)
    artifact_path(tmp_path).write_bytes(b"other weights")

    with pytest.raises(ModelError, match="does not have the sha256"):
        write_card(tmp_path, card)


def test_faces_without_votes_are_not_scored_for_ferplus() -> None:
    votes = np.zeros((N, 7), np.float32)
    votes[:10, 3] = 5
    split = split_with_votes(votes)

    truth, counted = head_truth(split, "ferplus")
    _, all_counted = head_truth(split, "fer2013")

    assert truth[:10].tolist() == [3] * 10
    assert counted.sum() == 10
    assert all_counted.all()


def test_a_report_counts_labels_and_predictions() -> None:
    labels = np.array([0, 0, 1, 3])
    probs = np.eye(7)[[0, 1, 1, 3]]

    report = head_report(probs, labels)

    assert report.accuracy == 0.75
    assert confusion_matrix(labels, probs.argmax(axis=1))[0].tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert report.per_class["angry"].recall == 0.5
    assert report.per_class["disgust"].precision == 0.5
    # The mean is over expressions that occur: 2/3, 2/3 and 1.
    assert report.macro_f1 == pytest.approx(7 / 9, abs=1e-4)
    assert report.per_class["neutral"].support == 0


def test_metrics_are_cross_fitted(tmp_path: Path) -> None:
    split = split_with_votes()
    logits = mostly_correct_logits(split)
    # One half has ten times the logits, so the other half's temperature does not fit it.
    logits[::2] *= 10

    card = build_card(
        _written(tmp_path),
        split,
        {"fer2013": logits, "ferplus": logits},
        {"id": "x", "created": "2026-01-01", "training": {}},
    )

    assert card["heads"]["fer2013"]["ece"] > 0.1


def test_only_a_head_that_favours_an_expression_gets_biases(tmp_path: Path) -> None:
    split = split_with_votes()
    fair = mostly_correct_logits(split)
    slanted = fair + np.array([1.5, 0, 0, 0, 0, 0, 0], np.float32)

    card = build_card(
        _written(tmp_path),
        split,
        {"fer2013": slanted, "ferplus": fair},
        {"id": "x", "created": "2026-01-01", "training": {}},
    )

    heads = card["heads"]
    assert heads["ferplus"]["biases"] == ()
    biases = heads["fer2013"]["biases"]
    assert biases[0] == min(biases) < -0.8
    # With the biases, the slanted head is as accurate as the fair one.
    assert heads["fer2013"]["val_accuracy"] > heads["ferplus"]["val_accuracy"] - 0.02
    assert (slanted.argmax(axis=1) == split.labels).mean() < (
        heads["ferplus"]["val_accuracy"] - 0.02
    )


def test_a_record_head_that_names_rare_expressions_has_a_plain_one_beside_it(
    tmp_path: Path,
) -> None:
    shares = np.array([0.1, 0.03, 0.04, 0.25, 0.15, 0.08, 0.35])
    rng = np.random.default_rng(4)
    labels = rng.choice(7, 3000, p=shares)
    votes = np.eye(7, dtype=np.float32)[labels] * 8
    images = np.zeros((3000, 48, 48), np.uint8)
    split = Split(images, labels, votes, tuple(map(str, range(3000))))
    seen = rng.normal(0, 1, (3000, 7)) + 2.0 * np.eye(7)[labels]
    logits = (2.0 * seen + np.log(shares)).astype(np.float32)
    card = build_card(
        _written(tmp_path),
        split,
        {"fer2013": logits, "ferplus": logits},
        {"id": "x", "created": "2026-01-01", "training": {}},
    )

    read = write_card(tmp_path, card)

    assert set(read.heads) == {"fer2013", RECORD_HEAD, PLAIN_HEAD}
    record, plain = card["heads"][RECORD_HEAD], card["heads"][PLAIN_HEAD]
    assert record["prior_taken"] > 0.0 and plain["prior_taken"] == 0.0
    assert record["biases"][1] > record["biases"][6]
    assert plain["output"] == record["output"] == RECORD_HEAD
    assert plain["temperature"] == card["heads"]["fer2013"]["temperature"]
    assert record["per_class_recall"]["disgust"] > plain["per_class_recall"]["disgust"]
    assert card["uncertain_below"] == record["uncertain_below"] == read.uncertain_below


def _written(folder: Path) -> Path:
    artifact_path(folder).write_bytes(b"weights")
    return artifact_path(folder)
