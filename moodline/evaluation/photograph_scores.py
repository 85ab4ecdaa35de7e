"""Scores of an owner's labelled photographs, by group."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from contracts.settings import Settings
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors.choice import chosen_detector
from inference_worker.faces.model_choice import chosen_model
from moodline.evaluation.photographs import FaceReader, read_photographs
from moodline.terminal.output import Screen
from training.scoring.groups import GroupScore, GroupTable, score_group, score_groups

ALL = "all"


@dataclass(frozen=True, slots=True)
class PhotographScores:
    """model, detector: as runs are pinned to them. groups: one table for each column."""

    model: str
    detector: str
    head: str
    uncertain_below: float
    all: GroupScore
    groups: tuple[GroupTable, ...]


def score_photographs(
    settings: Settings, path: Path, columns: Sequence[str], *, crops: bool
) -> PhotographScores:
    """Read the photographs that a CSV names, and score them together and by each column.

    crops: they are crops of one face each. Raises DatasetError, ModelError.
    """
    photographs = read_photographs(path, columns)
    classifier = LiteRTClassifier(chosen_model(settings.model), settings.model_head)
    detector, card = chosen_detector(settings), classifier.card
    threshold = settings.uncertain_below
    reader = FaceReader(
        detector,
        classifier,
        settings.min_face_px,
        card.uncertain_below if threshold is None else threshold,
        crops,
    )
    with Progress(console=Screen(stderr=True), transient=True) as progress:
        task = progress.add_task("photographs", total=len(photographs))
        readings = reader.read(photographs, columns, lambda: progress.advance(task))
    return PhotographScores(
        model=card.version,
        detector="" if crops else detector.id,
        head=card.record_head,
        uncertain_below=reader.uncertain_below,
        all=score_group(ALL, readings),
        groups=tuple(score_groups(column, readings) for column in columns),
    )
