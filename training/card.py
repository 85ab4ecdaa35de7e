"""The model card of an artifact: calibrated heads, uncertainty threshold, metrics and origin."""

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
from contracts.model_card import CARD_NAME, FURTHER_NAMES, KERAS_NAME, WEIGHTS_NAME, ModelCard
from runtime.files.regular_files import read_regular
from training.calibration import (
    Floats,
    Labels,
    RiskPoint,
    Scaling,
    choose_threshold,
    expected_calibration_error,
    fit_bias_corrected,
    fit_temperature,
    log_loss,
    probabilities,
    risk_coverage,
)
from training.classifier import open_networks
from training.config import SIDE
from training.data.dataset import Split
from training.metrics import head_report
from training.rare_expressions import choose_share, less_prior

Logits = npt.NDArray[np.float32]
Fit = Callable[[Logits, Labels], Scaling]

RECORD_HEAD = "ferplus"
"""The head that fills the records: ten votes per face are a better label than FER2013's one."""

PLAIN_HEAD = "ferplus-plain"
"""The record head without the biases that name rare expressions more often."""

CROP_MARGIN = 0.02
"""Margin on each side, as a fraction of the box's side: Haar alt2's median box is 0.965 of a
FER2013 image's side."""

LEAST_COVERAGE = 0.95
"""Fraction of the faces that must get a label at the uncertainty threshold."""

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
    """A head's temperature and biases, fitted to all faces of a split, and the resulting metrics.

    The metrics are cross-fitted: each half of the faces is scored with the fit to the other half.
    prior_taken: see rare_expressions.less_prior; chosen on all faces. curve: risk and coverage by
    threshold.
    """

    output: str
    temperature: float
    biases: tuple[float, ...]
    prior_taken: float
    val_accuracy: float
    val_macro_f1: float
    ece_before: float
    ece: float
    uncertain_below: float
    per_class_recall: dict[str, float]
    curve: tuple[RiskPoint, ...]

    def as_head(self) -> dict[str, Any]:
        """Return the card's entry for the head: everything but the curve."""
        values = asdict(self)
        del values["curve"]
        return values


def head_truth(split: Split, head: str) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Return a head's true labels [n], and which faces have one [n]."""
    if head == "ferplus":
        return split.votes.argmax(axis=1).astype(np.int64), split.voted
    return split.labels, np.ones(len(split), dtype=np.bool_)


def calibrate(logits: Logits, split: Split, head: str, *, for_rare: bool = False) -> Calibration:
    """Calibrate a head on all faces of the split; measure by two-fold cross-fitting.

    The folds are the even and the odd faces. The head gets biases if they reduce the cross-fitted
    log loss by more than twice its standard error: some heads' label noise differs by expression.
    for_rare: as much of the labels' frequencies is then taken out as raises macro F1 and leaves
    accuracy the same within chance.
    """
    labels, counted = head_truth(split, head)
    logits, labels = logits[counted], labels[counted]
    fit = _likelier_fit(logits, labels)
    share = choose_share(fit(logits, labels), logits, labels) if for_rare else 0.0
    if share:
        fit = _for_rare(fit, share)
    cross_fitted = _cross_fit(fit, logits, labels)
    scaling, report = fit(logits, labels), head_report(cross_fitted, labels)
    thresholds = np.arange(0.0, 0.96, 0.01).round(2)
    curve = risk_coverage(cross_fitted, labels, thresholds)
    return Calibration(
        output=head,
        temperature=scaling.temperature,
        biases=scaling.biases,
        prior_taken=share,
        val_accuracy=report.accuracy,
        val_macro_f1=report.macro_f1,
        ece_before=round(expected_calibration_error(probabilities(logits), labels), 4),
        ece=round(expected_calibration_error(cross_fitted, labels), 4),
        uncertain_below=choose_threshold(curve, LEAST_COVERAGE).threshold,
        per_class_recall={name: row.recall for name, row in report.per_class.items()},
        curve=tuple(curve),
    )


def _likelier_fit(logits: Logits, labels: Labels) -> Fit:
    """Return the fit with biases if it is surely the better one for the other half's faces."""
    plain = log_loss(_cross_fit(_fit_plain, logits, labels), labels)
    gain = plain - log_loss(_cross_fit(fit_bias_corrected, logits, labels), labels)
    return fit_bias_corrected if gain.mean() > 2.0 * gain.std() / np.sqrt(len(gain)) else _fit_plain


def _for_rare(fit: Fit, share: float) -> Fit:
    def adjusted(logits: Logits, labels: Labels) -> Scaling:
        return less_prior(fit(logits, labels), logits, labels, share)

    return adjusted


def _fit_plain(logits: Logits, labels: Labels) -> Scaling:
    return Scaling(fit_temperature(logits, labels))


def _cross_fit(fit: Fit, logits: Logits, labels: Labels) -> Floats:
    """Return probabilities of each face, from a fit to the half that it is not in."""
    probs = np.empty(logits.shape, dtype=np.float64)
    for fold in (0, 1):
        other = fit(logits[1 - fold :: 2], labels[1 - fold :: 2])
        probs[fold::2] = other.probabilities(logits[fold::2])
    return probs


def build_card(
    artifact: Path,
    split: Split,
    logits: dict[str, Logits],
    facts: dict[str, Any],
    split_name: str = "val",
) -> dict[str, Any]:
    """Return the card of an artifact, as JSON values.

    logits: [n, 7] by head, of the split's faces. facts: what the split does not give, such as id,
    creation date and training, and input_shape if it is not that of the split's faces.
    """
    calibrations = {
        head: calibrate(values, split, head, for_rare=head == RECORD_HEAD)
        for head, values in logits.items()
    }
    record = calibrations[RECORD_HEAD]
    if record.prior_taken:
        calibrations[PLAIN_HEAD] = calibrate(logits[RECORD_HEAD], split, RECORD_HEAD)
    at_threshold = next(p for p in record.curve if p.threshold == record.uncertain_below)
    data = read_regular(artifact)
    return {
        "input_shape": [SIDE, SIDE, 3],
        **facts,
        "labels": list(EXPRESSIONS),
        "input_dtype": "uint8",
        "crop_margin": CROP_MARGIN,
        "heads": {head: item.as_head() for head, item in calibrations.items()},
        "record_head": RECORD_HEAD,
        "uncertain_below": record.uncertain_below,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "metrics": {
            "split": f"{split_name}, {len(split)} faces; temperatures and biases are fitted on all "
            "of them; metrics (ECE: 15 bins, top label) are cross-fitted over two halves",
            "at_threshold": _point(at_threshold),
            "risk_coverage": [_point(p) for p in record.curve[20::10]],
        },
        "licence": LICENCE,
        "limits": LIMITS,
    }


def require_calibration(card: ModelCard, split: Split) -> None:
    """Check that the split can calibrate the model. Raises ModelError and DatasetError."""
    if unknown := set(card.heads) - {PLAIN_HEAD} ^ {"fer2013", RECORD_HEAD}:
        raise ModelError(
            f"model {card.id} has other heads: {', '.join(sorted(unknown))}",
            hint=f"Only models with the heads fer2013 and {RECORD_HEAD} can be calibrated",
        )
    for head in card.heads.values():
        if not head_truth(split, head.output)[1].any():
            raise DatasetError(
                f"no face of this split has {head.output} labels",
                hint="Put the FER+ votes into labels.csv beside the images, or use --votes",
            )


def recalibrate(folder: Path, split: Split, split_name: str, out: Path) -> ModelCard:
    """Copy the model in `folder` to `out`, with a card that is calibrated on the split.

    The weights stay the same; the name of `out` is the copy's model id. Raises ModelError if the
    model has other heads than this project's, DatasetError if the split lacks labels of a head.
    """
    card = ModelCard.read(folder)
    if out.resolve() == folder.resolve():
        raise ModelError(
            f"{out} is the folder of the model itself",
            hint="Choose another folder for the calibrated model",
        )
    require_calibration(card, split)
    previous = json.loads(read_regular(folder / CARD_NAME))
    facts = {
        key: previous[key] for key in ("precision", "agreement", "training") if key in previous
    }
    facts |= {"id": out.name, "created": datetime.now(UTC).date().isoformat()}
    facts["input_shape"] = list(card.input_shape)
    facts["weights_of"] = previous.get("weights_of", card.id)
    if card.looks:
        facts["looks"] = [look.model_dump() for look in card.looks]
    out.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS_NAME, *FURTHER_NAMES, KERAS_NAME):
        if (folder / name).exists():
            shutil.copyfile(folder / name, out / name)
    logits = open_networks(out, card.looks).logits(split.faces)
    new = build_card(artifact_path(out), split, logits, facts, split_name)
    # These belong to the model and not to its calibration.
    kept = {k: previous[k] for k in ("crop_margin", "licence", "limits") if k in previous}
    return write_card(out, new | kept)


def _point(point: RiskPoint) -> dict[str, float]:
    return {key: round(value, 4) for key, value in asdict(point).items()}


def write_card(folder: Path, card: dict[str, Any]) -> ModelCard:
    """Write model_card.json beside the artifact, and read it back as a worker does.

    Raises ModelError if it does not match the artifact.
    """
    (folder / CARD_NAME).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return ModelCard.read(folder)


def artifact_path(folder: Path) -> Path:
    """Return the path of an artifact's weights."""
    return folder / WEIGHTS_NAME
