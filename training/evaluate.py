"""Evaluation of an artifact on a labelled split, run as a worker runs it: LiteRT, one thread."""

import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError
from contracts.model_card import ModelCard
from training.calibration import (
    Floats,
    Labels,
    ReliabilityBin,
    RiskPoint,
    probabilities,
    reliability,
    risk_coverage,
)
from training.card import head_truth
from training.classifier import Reader, open_model
from training.data.dataset import Split
from training.metrics import HeadReport, head_report
from training.scoring.conditions import ConditionScore, score_conditions
from training.scoring.people import Agreement, agreement
from training.scoring.protocols import Protocol, ProtocolScore, score_protocols

_TIMED_CALLS: Final = 100
_BRIGHTNESS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Predictions:
    """A head's calibrated probabilities for the n faces of a split that have its label.

    head: its name, which is also that of its labels. probs: [n, 7]. truth: [n].
    """

    model: ModelCard
    head: str
    probs: Floats
    truth: Labels
    names: tuple[str, ...]

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether each face was classified as labelled, [n]."""
        return np.asarray(self.probs.argmax(axis=1) == self.truth)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results of one head on one split.

    labels: fer2013 or ferplus. changed: fraction of faces whose label changes when they are
    mirrored, 20 % brighter or 20 % darker. latency_*: on one thread. protocols: the scores of all
    heads by each protocol. conditions: this head's on degraded faces. people: the agreement of
    the split's voters; None without votes.
    """

    model: str
    split: str
    labels: str
    report: HeadReport
    reliability: tuple[ReliabilityBin, ...]
    risk_coverage: tuple[RiskPoint, ...]
    uncertain_below: float
    changed: dict[str, float]
    latency_ms_per_face: float
    latency_ms_per_face_batch_8: float
    protocols: tuple[ProtocolScore, ...] = ()
    conditions: tuple[ConditionScore, ...] = ()
    people: Agreement | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values, the documented fields first."""
        at = next((p for p in self.risk_coverage if p.threshold >= self.uncertain_below), None)
        return {
            **self.report.as_dict(),
            "latency_ms_per_face": self.latency_ms_per_face,
            "latency_ms_per_face_batch_8": self.latency_ms_per_face_batch_8,
            "model": self.model,
            "split": self.split,
            "labels": self.labels,
            "uncertain_below": self.uncertain_below,
            "coverage_at_threshold": round(at.coverage, 4) if at else 0.0,
            "accuracy_at_threshold": round(at.accuracy, 4) if at else None,
            "label_changed_by": self.changed,
            "protocols": [asdict(one) for one in self.protocols],
            "people": None if self.people is None else asdict(self.people),
            "conditions": [asdict(one) for one in self.conditions],
        }


def predict_split(folder: Path, split: Split, labels: str) -> Predictions:
    """Return the predictions of the head `labels` of the artifact in `folder`.

    Raises DatasetError if the model has no such head, or no face has its label; ModelError.
    """
    card = ModelCard.read(folder)
    _, counted = _counted(card, split, labels)
    logits = open_model(folder).logits(split.faces[counted])
    return _predictions(card, split, labels, logits)


def _counted(card: ModelCard, split: Split, labels: str) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Return a head's labels and which faces have one, [n] each. Raises DatasetError."""
    if labels not in card.heads:
        raise DatasetError(
            f"model {card.id} has no head {labels!r}",
            hint=f"Choose one of: {', '.join(card.heads)}",
        )
    truth, counted = head_truth(split, labels)
    if not counted.any():
        raise DatasetError(
            f"no face of this split has {labels} labels",
            hint="Put the FER+ votes into labels.csv beside the images, or use --votes",
        )
    return truth, counted


def _predictions(
    card: ModelCard, split: Split, labels: str, logits: dict[str, npt.NDArray[np.float32]]
) -> Predictions:
    """Return the predictions of the counted faces; logits: theirs, by output."""
    truth, counted = head_truth(split, labels)
    names = tuple(name for name, is_in in zip(split.names, counted, strict=True) if is_in)
    return Predictions(card, labels, _calibrated(card, labels, logits), truth[counted], names)


def evaluate(
    folder: Path, split: Split, split_name: str, labels: str, *, degraded: int = 0
) -> Evaluation:
    """Score a model by each protocol, and one head against its labels in detail.

    degraded: how many faces to score under each condition, too. Raises DatasetError and
    ModelError, as `predict_split`.
    """
    card = ModelCard.read(folder)
    _, counted = _counted(card, split, labels)
    model = open_model(folder)
    logits = model.logits(split.faces)
    predictions = _predictions(
        card, split, labels, {name: rows[counted] for name, rows in logits.items()}
    )
    faces = split.faces[counted]
    values = faces.astype(np.float32)
    changes = {
        "mirror": faces[:, :, ::-1],
        "brighter": np.clip(values * (1 + _BRIGHTNESS), 0, 255).astype(np.uint8),
        "darker": (values * (1 - _BRIGHTNESS)).astype(np.uint8),
    }
    before = predictions.probs.argmax(axis=1)
    changed = {
        name: _calibrated(card, labels, model.logits(np.ascontiguousarray(other))).argmax(axis=1)
        for name, other in changes.items()
    }
    thresholds, output = np.arange(0.0, 0.96, 0.01).round(2), card.heads[labels].output
    return Evaluation(
        model=card.version,
        split=split_name,
        labels=labels,
        report=head_report(predictions.probs, predictions.truth),
        reliability=tuple(reliability(predictions.probs, predictions.truth)),
        risk_coverage=tuple(risk_coverage(predictions.probs, predictions.truth, thresholds)),
        uncertain_below=card.threshold_of(labels),
        changed={name: round(float((a != before).mean()), 4) for name, a in changed.items()},
        latency_ms_per_face=_latency_ms(model, output, faces, 1),
        latency_ms_per_face_batch_8=_latency_ms(model, output, faces, 8),
        protocols=score_protocols(card, logits, split),
        conditions=score_conditions(card, model, split, Protocol(labels), degraded),
        people=agreement(split),
    )


def score_set(folder: Path, split: Split) -> tuple[ProtocolScore, ...]:
    """Return a model's scores on another set, by each protocol. Raises ModelError."""
    card = ModelCard.read(folder)
    return score_protocols(card, open_model(folder).logits(split.faces), split)


def _calibrated(card: ModelCard, labels: str, logits: dict[str, npt.NDArray[np.float32]]) -> Floats:
    head = card.heads[labels]
    return probabilities(logits[head.output], head.temperature, head.biases)


def _latency_ms(model: Reader, output: str, faces: npt.NDArray[np.uint8], batch: int) -> float:
    """Return the mean time of a call for one output, divided by the faces in it.

    Not the median: it would leave out a second network that is asked in fewer than half the calls.
    The faces come from all of the set, which is sorted by label.
    """
    model.logits(faces[:batch], output)
    spare, times = max(len(faces) - batch, 0), []
    for call in range(_TIMED_CALLS):
        start = call * spare // _TIMED_CALLS
        begin = time.perf_counter()
        model.logits(faces[start : start + batch], output)
        times.append((time.perf_counter() - begin) * 1000 / batch)
    return round(statistics.fmean(times), 3)
