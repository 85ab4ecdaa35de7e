"""Protocols: which faces of a split are scored, and against which label."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.model_card import ModelCard
from training.calibration import Floats, Labels, probabilities
from training.data.dataset import Split
from training.metrics import HeadReport, head_report

_MAJORITY: Final = 0.5


class Protocol(StrEnum):
    """A way to score a split.

    FER2013: every face, against the one label of the challenge. FERPLUS: every face with votes,
    against the expression with most votes; in a tie the first in EXPRESSIONS order. PAPERS: as
    papers report FER+, see `papers_truth`.
    """

    FER2013 = "fer2013"
    FERPLUS = "ferplus"
    PAPERS = "ferplus-papers"

    @property
    def head(self) -> str:
        """The head that learned these labels."""
        return "fer2013" if self is Protocol.FER2013 else "ferplus"

    @property
    def shown_name(self) -> str:
        """Its name for people."""
        return _TITLES[self]


_TITLES: Final = {
    Protocol.FER2013: "FER2013 label",
    Protocol.FERPLUS: "FER+, most votes of the seven",
    Protocol.PAPERS: "FER+, as papers count",
}


@dataclass(frozen=True, slots=True)
class ProtocolScore:
    """A head's scores by one protocol. faces: those that it counts."""

    protocol: Protocol
    faces: int
    accuracy: float
    mean_recall: float
    macro_f1: float
    ece: float

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def truth(split: Split, protocol: Protocol) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Return the labels [n] of a split, and which of its faces the protocol counts [n]."""
    if protocol is Protocol.FER2013:
        return split.labels, np.ones(len(split), dtype=np.bool_)
    if protocol is Protocol.FERPLUS:
        return split.votes.argmax(axis=1).astype(np.int64), split.voted
    return papers_truth(split)


def papers_truth(split: Split) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """Return labels [n] and which faces count [n], as papers count FER+.

    Single votes are dropped as outliers. A face counts if more than half of the other votes,
    those for contempt, unknown and no face included, are for one of the seven expressions
    ("majority voting" of Barsoum et al. 2016 and its published code). Where a data set has the
    seven columns only, more than half of their votes.
    """
    votes = split.votes
    if split.other_votes is not None:
        votes = np.concatenate([votes, split.other_votes], axis=1)
    votes = np.where(votes > 1.0, votes, 0.0)
    seven = votes[:, : split.votes.shape[1]]
    counted = seven.max(axis=1) > _MAJORITY * votes.sum(axis=1)
    return seven.argmax(axis=1).astype(np.int64), np.asarray(counted)


def scored(
    card: ModelCard, logits: dict[str, npt.NDArray[np.float32]], split: Split, protocol: Protocol
) -> tuple[Floats, Labels] | None:
    """Return calibrated probabilities [m, 7] and labels [m] of the faces that a protocol counts.

    logits: of all faces, by output. None if the model has no such head, or the split no such label.
    """
    labels, counted = truth(split, protocol)
    if protocol.head not in card.heads or not counted.any():
        return None
    head = card.heads[protocol.head]
    probs = probabilities(logits[head.output][counted], head.temperature, head.biases)
    return probs, labels[counted]


def score_protocols(
    card: ModelCard, logits: dict[str, npt.NDArray[np.float32]], split: Split
) -> tuple[ProtocolScore, ...]:
    """Return the scores by each protocol for which the model has a head and the split labels."""
    scores = []
    for protocol in Protocol:
        found = scored(card, logits, split, protocol)
        if found is not None:
            scores.append(_score(protocol, head_report(*found)))
    return tuple(scores)


def _score(protocol: Protocol, report: HeadReport) -> ProtocolScore:
    return ProtocolScore(
        protocol, report.n, report.accuracy, report.mean_recall, report.macro_f1, report.ece
    )
