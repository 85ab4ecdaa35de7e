"""Classification metrics of a head: accuracy, F1, confusion and calibration error."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from contracts.expressions import EXPRESSIONS
from training.calibration import Floats, Labels, expected_calibration_error

N = len(EXPRESSIONS)


@dataclass(frozen=True, slots=True)
class ClassResult:
    """The metrics of one expression. support: faces with its label."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class HeadReport:
    """The metrics of one head on n faces. confusion: [7][7] counts by truth, then prediction.

    macro_f1, mean_recall: the mean over the expressions that have faces, each with equal weight.
    """

    n: int
    accuracy: float
    macro_f1: float
    ece: float
    per_class: dict[str, ClassResult]
    confusion: list[list[int]]
    mean_recall: float

    def as_dict(self) -> dict[str, object]:
        """Return JSON values."""
        return asdict(self)


def confusion_matrix(labels: Labels, predictions: Labels) -> npt.NDArray[np.int64]:
    """Return counts [7, 7] by truth (row) and prediction (column)."""
    return np.bincount(labels * N + predictions, minlength=N * N).reshape(N, N).astype(np.int64)


def head_report(probs: Floats, labels: Labels) -> HeadReport:
    """Score calibrated probabilities [n, 7] against labels [n]. macro_f1 is over present labels."""
    confusion = confusion_matrix(labels, probs.argmax(axis=1).astype(np.int64))
    correct = np.diag(confusion).astype(np.float64)
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    recall, precision = correct / np.maximum(support, 1), correct / np.maximum(predicted, 1)
    f1 = 2 * correct / np.maximum(support + predicted, 1)
    present = support > 0
    return HeadReport(
        n=len(labels),
        accuracy=round(float(correct.sum() / len(labels)), 4),
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
        mean_recall=round(float(recall[present].mean()), 4),
    )
