"""Scores an artifact on a labelled split, as a worker would run it: LiteRT, one thread."""

import statistics
import time
from dataclasses import dataclass
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
from training.card import artifact_path, head_truth
from training.classifier import LiteRtModel
from training.data.dataset import Split
from training.metrics import HeadReport, head_report

_TIMED_CALLS: Final = 100
_BRIGHTNESS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Readings:
    """A head's answers to the faces of a split that carry its label."""

    model: ModelCard
    labels: str
    probs: Floats
    truth: Labels
    names: tuple[str, ...]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Which faces were read as labelled, [n]."""
        return np.asarray(self.probs.argmax(axis=1) == self.truth)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One head on one split. latency: of a face, alone and in batches of 8, one thread.

    changed: share of faces whose label changes when mirrored, 20 % brighter, 20 % darker.
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

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it; the documented fields first."""
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
        }


def read_split(folder: Path, split: Split, labels: str) -> Readings:
    """The calibrated answers of the head `labels` of the artifact in `folder`."""
    card = ModelCard.read(folder)
    if labels not in card.heads:
        raise DatasetError(
            f"model {card.id} has no head {labels!r}", hint=f"It has: {', '.join(card.heads)}"
        )
    truth, counted = head_truth(split, labels)
    if not counted.any():
        raise DatasetError(
            f"no face of this split has {labels} labels",
            hint="FER+ votes come from labels.csv beside the images, or with --votes",
        )
    logits = LiteRtModel(artifact_path(folder)).logits(split.faces[counted])
    names = tuple(name for name, is_in in zip(split.names, counted, strict=True) if is_in)
    return Readings(card, labels, _calibrated(card, labels, logits), truth[counted], names)


def evaluate(folder: Path, split: Split, split_name: str, labels: str) -> Evaluation:
    """Score one head against its labels, and see how little it takes to change them."""
    readings = read_split(folder, split, labels)
    card, model = readings.model, LiteRtModel(artifact_path(folder))
    faces = split.faces[head_truth(split, labels)[1]]
    bright = faces.astype(np.float32)
    changes = {
        "mirror": faces[:, :, ::-1],
        "brighter": np.clip(bright * (1 + _BRIGHTNESS), 0, 255).astype(np.uint8),
        "darker": (bright * (1 - _BRIGHTNESS)).astype(np.uint8),
    }
    before = readings.probs.argmax(axis=1)
    changed = {
        name: _calibrated(card, labels, model.logits(np.ascontiguousarray(other))).argmax(axis=1)
        for name, other in changes.items()
    }
    thresholds = np.arange(0.0, 0.96, 0.01).round(2)
    return Evaluation(
        model=card.version,
        split=split_name,
        labels=labels,
        report=head_report(readings.probs, readings.truth),
        reliability=tuple(reliability(readings.probs, readings.truth)),
        risk_coverage=tuple(risk_coverage(readings.probs, readings.truth, thresholds)),
        uncertain_below=card.threshold_of(labels),
        changed={name: round(float((a != before).mean()), 4) for name, a in changed.items()},
        latency_ms_per_face=_latency_ms(model, faces, 1),
        latency_ms_per_face_batch_8=_latency_ms(model, faces, 8),
    )


def _calibrated(card: ModelCard, labels: str, logits: dict[str, npt.NDArray[np.float32]]) -> Floats:
    head = card.heads[labels]
    return probabilities(logits[head.output], head.temperature, head.biases)


def _latency_ms(model: LiteRtModel, faces: npt.NDArray[np.uint8], batch: int) -> float:
    """Median over calls, of one face."""
    model.logits(faces[:batch])
    times = []
    for call in range(_TIMED_CALLS):
        start = call * batch % max(len(faces) - batch, 1)
        begin = time.perf_counter()
        model.logits(faces[start : start + batch])
        times.append((time.perf_counter() - begin) * 1000 / batch)
    return round(statistics.median(times), 3)
