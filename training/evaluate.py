"""Scores an artifact on a labelled split, as a worker would run it: LiteRT, one thread."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.model_card import ModelCard
from training.calibration import probabilities
from training.card import artifact_path, head_truth
from training.classifier import LiteRtModel
from training.dataset import DatasetError, Split
from training.metrics import HeadReport, head_report


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The reports of the heads, and the mean time of a face in batches of 64."""

    model: str
    split: str
    heads: dict[str, HeadReport]
    latency_ms_per_face: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "model": self.model,
            "split": self.split,
            "latency_ms_per_face": self.latency_ms_per_face,
            "heads": {head: report.as_dict() for head, report in self.heads.items()},
        }


def evaluate(folder: Path, split: Split, split_name: str) -> Evaluation:
    """Score every head that the split has labels for; FER+ needs votes."""
    card = ModelCard.read(folder)
    model = LiteRtModel(artifact_path(folder))
    begin = time.perf_counter()
    logits = model.logits(split.faces)
    latency_ms = (time.perf_counter() - begin) * 1000 / len(split)
    reports = {}
    for head, described in card.heads.items():
        labels, counted = head_truth(split, head)
        if counted.any():
            probs = probabilities(logits[described.output][counted], described.temperature)
            reports[head] = head_report(probs, labels[counted])
    if not reports:
        raise DatasetError("no head of the model has labels in this split")
    return Evaluation(card.version, split_name, reports, round(latency_ms, 3))
