"""The sidecar of an artifact: what its outputs mean, and how far they can be trusted."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from contracts.emotions import EMOTIONS

from training.calibration import (
    RiskPoint,
    choose_threshold,
    expected_calibration_error,
    fit_temperature,
    probabilities,
    risk_coverage,
)
from training.dataset import SIDE, Split
from training.model import HEADS

MODEL_FILE, CARD_FILE = "model.tflite", "model_card.json"

RECORD_HEAD = "ferplus"
"""Its head fills the records: ten votes a face are a steadier label than FER2013's one."""

CROP_MARGIN = 0.02
"""Of the box's side, added on each side: Haar alt2 finds a median box of 0.965 of a FER2013 face."""

LEAST_COVERAGE = 0.9
"""Share of faces that must still get a label when the least sure are called uncertain."""

LICENCE = (
    "Weights fine-tuned from Keras MobileNetV2 ImageNet weights (Apache-2.0) on FER2013 "
    "(ICML 2013 challenge, research use) with FER+ votes (MIT). Check FER2013's terms before "
    "commercial use."
)
LIMITS = (
    "Reads the expression a face shows, not what its owner feels, and identifies no one.",
    "Trained on 48x48 grey web photos; weak on disgust and fear, profiles, covered or small faces.",
    "Not for decisions about people: hiring, grading, policing, insurance, border control.",
)


@dataclass(frozen=True, slots=True)
class Head:
    """One output of the artifact; `output_index` counts get_output_details()."""

    output_index: int
    temperature: float
    val_accuracy: float
    ece: float
    ece_uncalibrated: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A head's numbers, and the points of its risk-coverage curve on the fit half."""

    head: Head
    curve: list[RiskPoint]


def head_truth(split: Split, head: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """What a head is scored against [n], and which faces count [n]."""
    if head == "ferplus":
        return split.votes.argmax(axis=1).astype(np.int64), split.voted
    return split.labels, np.ones(len(split), dtype=np.bool_)


def calibrate(
    logits: npt.NDArray[np.float32], split: Split, head: str, output_index: int
) -> Calibration:
    """Fit on the split's even faces, report the calibration error on the odd ones."""
    labels, counted = head_truth(split, head)
    logits, labels = logits[counted], labels[counted]
    temperature = fit_temperature(logits[::2], labels[::2])
    held_out = labels[1::2]
    calibrated = probabilities(logits[1::2], temperature)
    plain = probabilities(logits[1::2])
    fit = probabilities(logits[::2], temperature)
    return Calibration(
        Head(
            output_index,
            temperature,
            round(float((logits.argmax(axis=1) == labels).mean()), 4),
            round(expected_calibration_error(calibrated, held_out), 4),
            round(expected_calibration_error(plain, held_out), 4),
        ),
        risk_coverage(fit, labels[::2], np.arange(0.2, 0.96, 0.01).round(2)),
    )


def build_card(
    artifact: Path, split: Split, logits: list[npt.NDArray[np.float32]], facts: dict[str, Any]
) -> dict[str, Any]:
    """The card of an artifact whose outputs stand in the order of HEADS; `facts` name the run."""
    found = {
        head: calibrate(logits[i], split, head, i) for i, head in enumerate(HEADS)
    }
    chosen = choose_threshold(found[RECORD_HEAD].curve, LEAST_COVERAGE)
    data = artifact.read_bytes()
    return {
        **facts,
        "labels": list(EMOTIONS),
        "input": {"shape": [SIDE, SIDE, 3], "dtype": "uint8"},
        "outputs": "logits: divide by the head's temperature, then softmax",
        "crop_margin": CROP_MARGIN,
        "heads": {head: asdict(item.head) for head, item in found.items()},
        "record_head": RECORD_HEAD,
        "uncertain_threshold": chosen.threshold,
        "risk_coverage": [
            {key: round(value, 4) for key, value in asdict(point).items()}
            for point in [chosen, *found[RECORD_HEAD].curve[10::15]]
        ],
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "licence": LICENCE,
        "limits": list(LIMITS),
    }


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write model_card.json into the artifact's folder."""
    (folder / CARD_FILE).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def read_card(folder: Path) -> dict[str, Any]:
    """The card of an artifact's folder."""
    card: dict[str, Any] = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    return card
