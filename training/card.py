"""The sidecar of an artifact: what its outputs mean, and how far they can be trusted."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError, ModelError
from contracts.expressions import EXPRESSIONS
from contracts.model_card import CARD_NAME, KERAS_NAME, WEIGHTS_NAME, ModelCard
from training.calibration import (
    Floats,
    Labels,
    RiskPoint,
    Scaling,
    choose_threshold,
    expected_calibration_error,
    fit_biased,
    fit_temperature,
    log_loss,
    probabilities,
    risk_coverage,
)
from training.classifier import LiteRtModel
from training.data.dataset import SIDE, Split
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
    """A head's temperature and biases, fitted on all of a split, and what they are worth.

    All else: each half of the faces read with what the other half gave, so that no face is judged
    by numbers it had a part in.
    """

    output: str
    temperature: float
    biases: tuple[float, ...]
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
    """Fit on all faces of the split; measure by two-fold cross-fitting over even and odd ones.

    The head gets biases where they make faces that had no part in them likelier, by twice the
    standard error: which of a face's labels is noise differs by expression, or it does not.
    """
    labels, counted = head_truth(split, head)
    logits, labels = logits[counted], labels[counted]
    fit, crossed = _fit_plain, _crossed(_fit_plain, logits, labels)
    biased = _crossed(fit_biased, logits, labels)
    gain = log_loss(crossed, labels) - log_loss(biased, labels)
    if gain.mean() > 2.0 * gain.std() / np.sqrt(len(gain)):
        fit, crossed = fit_biased, biased
    scaling, report = fit(logits, labels), head_report(crossed, labels)
    thresholds = np.arange(0.0, 0.96, 0.01).round(2)
    curve = risk_coverage(crossed, labels, thresholds)
    return Calibration(
        output=head,
        temperature=scaling.temperature,
        biases=scaling.biases,
        val_accuracy=report.accuracy,
        val_macro_f1=report.macro_f1,
        ece_before=round(expected_calibration_error(probabilities(logits), labels), 4),
        ece=round(expected_calibration_error(crossed, labels), 4),
        uncertain_below=choose_threshold(curve, LEAST_COVERAGE).threshold,
        per_class_recall={name: row.recall for name, row in report.per_class.items()},
        curve=tuple(curve),
    )


def _fit_plain(logits: Logits, labels: Labels) -> Scaling:
    return Scaling(fit_temperature(logits, labels))


def _crossed(fit: Callable[[Logits, Labels], Scaling], logits: Logits, labels: Labels) -> Floats:
    """Probabilities of each face, from a fit to the half that it is not in."""
    probs = np.empty(logits.shape, dtype=np.float64)
    for fold in (0, 1):
        other = fit(logits[1 - fold :: 2], labels[1 - fold :: 2])
        probs[fold::2] = other.of(logits[fold::2])
    return probs


def build_card(
    artifact: Path,
    split: Split,
    logits: dict[str, Logits],
    facts: dict[str, Any],
    split_name: str = "val",
) -> dict[str, Any]:
    """The card of an artifact; `facts` are its id, when it was created and how it was trained."""
    found = {head: calibrate(values, split, head) for head, values in logits.items()}
    record = found[RECORD_HEAD]
    at_threshold = next(p for p in record.curve if p.threshold == record.uncertain_below)
    data = artifact.read_bytes()
    return {
        **facts,
        "labels": list(EXPRESSIONS),
        "input_shape": [SIDE, SIDE, 3],
        "input_dtype": "uint8",
        "crop_margin": CROP_MARGIN,
        "heads": {head: item.as_head() for head, item in found.items()},
        "record_head": RECORD_HEAD,
        "uncertain_below": record.uncertain_below,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "metrics": {
            "split": f"{split_name}, {len(split)} faces; temperatures and biases fitted on all of "
            "them; what is measured (ECE: 15 bins, top label) with each half's on the other half",
            "at_threshold": _point(at_threshold),
            "risk_coverage": [_point(p) for p in record.curve[20::10]],
        },
        "licence": LICENCE,
        "limits": LIMITS,
    }


def recalibrate(folder: Path, split: Split, split_name: str, out: Path) -> ModelCard:
    """The model in `folder` again, as `out`, with a card whose numbers that split gave.

    The weights are the same; records name it as the new folder. Raises ModelError, DatasetError.
    """
    card = ModelCard.read(folder)
    if out.resolve() == folder.resolve():
        raise ModelError(f"{out} is the model itself", hint="Give the calibrated one another name")
    if unknown := set(card.heads) ^ {"fer2013", RECORD_HEAD}:
        raise ModelError(
            f"model {card.id} has other heads: {', '.join(sorted(unknown))}",
            hint=f"A model of this project has fer2013 and {RECORD_HEAD}",
        )
    for head in card.heads:
        if not head_truth(split, head)[1].any():
            raise DatasetError(
                f"no face of this split has {head} labels",
                hint="FER+ votes come from labels.csv beside the images, or with --votes",
            )
    was = json.loads((folder / CARD_NAME).read_text(encoding="utf-8"))
    facts = {key: was[key] for key in ("precision", "agreement", "training") if key in was}
    facts |= {"id": out.name, "created": datetime.now(UTC).date().isoformat()}
    facts["weights_of"] = was.get("weights_of", card.id)
    out.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS_NAME, KERAS_NAME):
        if (folder / name).exists():
            shutil.copyfile(folder / name, out / name)
    logits = LiteRtModel(artifact_path(out)).logits(split.faces)
    found = build_card(artifact_path(out), split, logits, facts, split_name)
    # What is the model's own, whoever made it.
    own = {key: was[key] for key in ("crop_margin", "licence", "limits") if key in was}
    return write_card(out, found | own)


def _point(point: RiskPoint) -> dict[str, float]:
    return {key: round(value, 4) for key, value in asdict(point).items()}


def write_card(folder: Path, card: dict[str, Any]) -> ModelCard:
    """Write model_card.json beside the artifact, and read it back as a worker would."""
    (folder / CARD_NAME).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return ModelCard.read(folder)


def artifact_path(folder: Path) -> Path:
    """Where an artifact's folder keeps its weights."""
    return folder / WEIGHTS_NAME
