"""How well a head reads a labelled set: accuracy, F1, confusion, calibration."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from contracts.expressions import EXPRESSIONS
from training.calibration import Floats, Labels, expected_calibration_error

N = len(EXPRESSIONS)


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One emotion's row of a report; `support` is how many faces carry its label."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class HeadReport:
    """Results of one head on one split; confusion[truth][reading] counts faces."""

    n: int
    accuracy: float
    macro_f1: float
    ece: float
    per_class: dict[str, ClassResult]
    confusion: list[list[int]]

    def as_dict(self) -> dict[str, object]:
        """As JSON takes it."""
        return asdict(self)


def confusion_matrix(labels: Labels, readings: Labels) -> npt.NDArray[np.int64]:
    """Counts [7, 7] by truth (row) and reading (column)."""
    return np.bincount(labels * N + readings, minlength=N * N).reshape(N, N).astype(np.int64)


def head_report(probs: Floats, labels: Labels) -> HeadReport:
    """Score calibrated probabilities [n, 7] against labels [n]."""
    confusion = confusion_matrix(labels, probs.argmax(axis=1).astype(np.int64))
    right = np.diag(confusion).astype(np.float64)
    support, read = confusion.sum(axis=1), confusion.sum(axis=0)
    recall, precision = right / np.maximum(support, 1), right / np.maximum(read, 1)
    f1 = 2 * right / np.maximum(support + read, 1)
    present = support > 0
    return HeadReport(
        n=len(labels),
        accuracy=round(float(right.sum() / len(labels)), 4),
        macro_f1=round(float(f1[present].mean()), 4),
        ece=round(expected_calibration_error(probs, labels), 4),
        per_class={
            name: ClassResult(
                round(float(precision[i]), 4),
                round(float(recall[i]), 4),
                round(float(f1[i]), 4),
                int(support[i]),
            )
            for i, name in enumerate(EXPRESSIONS)
        },
        confusion=confusion.tolist(),
    )
