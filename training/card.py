"""The sidecar of an artifact: what its outputs mean, and how far they can be trusted."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.emotions import EMOTIONS
from contracts.model_card import CARD_NAME, WEIGHTS_NAME, ModelCard
from training.calibration import (
    Labels,
    RiskPoint,
    choose_threshold,
    expected_calibration_error,
    fit_temperature,
    probabilities,
    risk_coverage,
)
from training.dataset import SIDE, Split
from training.metrics import head_report

Logits = npt.NDArray[np.float32]

RECORD_HEAD = "ferplus"
"""Its head fills the records: ten votes a face are a steadier label than FER2013's one."""

CROP_MARGIN = 0.02
"""Of the box's side, on each side: Haar alt2's median box is 0.965 of a FER2013 picture's."""

LEAST_COVERAGE = 0.95
"""Share of faces that must still get a label when the least sure are called uncertain."""

LICENCE = (
    "FER2013: ICML 2013 challenge, research use. FER+ votes: MIT. ImageNet weights: Apache-2.0. "
    "Check FER2013's terms before commercial use."
)
LIMITS = (
    "Reads expressions, not feelings, and identifies no one. Trained on 48x48 grey web photos, "
    "mostly frontal; disgust and fear are weakest. Not for decisions about people."
)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A head's temperature, fitted on all of a split, and what it is worth.

    ece and curve: each half of the faces read with the temperature of the other half, so that no
    face is judged by a temperature it had a part in.
    """

    output: str
    temperature: float
    val_accuracy: float
    val_macro_f1: float
    ece_before: float
    ece: float
    uncertain_below: float
    per_class_recall: dict[str, float]
    curve: tuple[RiskPoint, ...]

    def as_head(self) -> dict[str, Any]:
        """What the card says of the head: all but the curve."""
        values = asdict(self)
        del values["curve"]
        return values


def head_truth(split: Split, head: str) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """What a head is scored against [n], and which faces count [n]."""
    if head == "ferplus":
        return split.votes.argmax(axis=1).astype(np.int64), split.voted
    return split.labels, np.ones(len(split), dtype=np.bool_)


def calibrate(logits: Logits, split: Split, head: str) -> Calibration:
    """Fit on all faces of the split; measure by two-fold cross-fitting over even and odd ones."""
    labels, counted = head_truth(split, head)
    logits, labels = logits[counted], labels[counted]
    temperature = fit_temperature(logits, labels)
    report = head_report(probabilities(logits, temperature), labels)
    crossed = np.empty(logits.shape, dtype=np.float64)
    for fold in (0, 1):
        other = fit_temperature(logits[1 - fold :: 2], labels[1 - fold :: 2])
        crossed[fold::2] = probabilities(logits[fold::2], other)
    thresholds = np.arange(0.0, 0.96, 0.01).round(2)
    curve = risk_coverage(crossed, labels, thresholds)
    return Calibration(
        output=head,
        temperature=temperature,
        val_accuracy=report.accuracy,
        val_macro_f1=report.macro_f1,
        ece_before=round(expected_calibration_error(probabilities(logits), labels), 4),
        ece=round(expected_calibration_error(crossed, labels), 4),
        uncertain_below=choose_threshold(curve, LEAST_COVERAGE).threshold,
        per_class_recall={name: row.recall for name, row in report.per_class.items()},
        curve=tuple(curve),
    )


def build_card(
    artifact: Path, split: Split, logits: dict[str, Logits], facts: dict[str, Any]
) -> dict[str, Any]:
    """The card of an artifact; `facts` are its id, when it was created and how it was trained."""
    found = {head: calibrate(values, split, head) for head, values in logits.items()}
    record = found[RECORD_HEAD]
    at_threshold = next(p for p in record.curve if p.threshold == record.uncertain_below)
    data = artifact.read_bytes()
    return {
        **facts,
        "labels": list(EMOTIONS),
        "input_shape": [SIDE, SIDE, 3],
        "input_dtype": "uint8",
        "crop_margin": CROP_MARGIN,
        "heads": {head: item.as_head() for head, item in found.items()},
        "record_head": RECORD_HEAD,
        "uncertain_below": record.uncertain_below,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "metrics": {
            "split": f"val, {len(split)} faces; temperatures fitted on all of them, ECE (15 bins, "
            "top label) and the curve measured with each half's temperature on the other half",
            "at_threshold": _point(at_threshold),
            "risk_coverage": [_point(p) for p in record.curve[20::10]],
        },
        "licence": LICENCE,
        "limits": LIMITS,
    }


def _point(point: RiskPoint) -> dict[str, float]:
    return {key: round(value, 4) for key, value in asdict(point).items()}


def write_card(folder: Path, card: dict[str, Any]) -> ModelCard:
    """Write model_card.json beside the artifact, and read it back as a worker would."""
    (folder / CARD_NAME).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return ModelCard.read(folder)


def artifact_path(folder: Path) -> Path:
    """Where an artifact's folder keeps its weights."""
    return folder / WEIGHTS_NAME
