"""Groups: how results differ between the groups of an owner's labelled photographs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from contracts.expressions import EXPRESSIONS
from training.calibration import Floats, Labels, expected_calibration_error

_DRAWS: Final = 2000
_SEED: Final = 11
_Z: Final = float(norm.ppf(0.975))

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PhotographReadings:
    """The readings of n photographs.

    probs: calibrated, [n, 7]; any where no face was found. truth: [n]. found: whether a face was
    found in it [n]. readable: whether it is good enough, and the model certain enough, to get a
    label [n]. groups: by column, the value of each photograph.
    """

    probs: Floats
    truth: Labels
    found: Flags
    readable: Flags
    groups: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a count, with its 95 % interval, 0..1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The results of one group.

    found: share of its photographs in which a face was found. accuracy: of the found faces, by
    their top expression, uncertain or not. mean_recall: over the expressions that the group has.
    uncertain: share of the found faces that get no label. certain_accuracy: of the others.
    recall: by expression. None: nothing to count.
    """

    group: str
    photographs: int
    found: Share
    accuracy: Share | None
    mean_recall: Share | None
    uncertain: Share | None
    certain_accuracy: Share | None
    ece: float | None
    recall: dict[str, Share]


@dataclass(frozen=True, slots=True)
class GroupTable:
    """The groups of one column.

    p_found, p_accuracy: how likely chance makes the groups differ as much, by permutation of the
    groups within each expression, so that groups with harder expressions are not blamed.
    """

    column: str
    groups: tuple[GroupScore, ...]
    p_found: float
    p_accuracy: float


def wilson(hits: int, of: int) -> Share:
    """Return the share hits / of with its Wilson interval (Wilson 1927). of: 1 or more."""
    share, spread = hits / of, _Z**2 / of
    middle = (share + spread / 2) / (1 + spread)
    reach = _Z * np.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return Share(
        round(share, 4), round(max(middle - reach, 0.0), 4), round(min(middle + reach, 1.0), 4)
    )


def score_group(
    name: str, readings: PhotographReadings, members: Flags | None = None
) -> GroupScore:
    """Return the results of some photographs; of all without `members` [n]."""
    chosen = np.ones(len(readings.truth), dtype=np.bool_) if members is None else members
    found = chosen & readings.found
    photographs, faces = int(chosen.sum()), int(found.sum())
    share_found = wilson(faces, photographs)
    if not faces:
        return GroupScore(name, photographs, share_found, None, None, None, None, None, {})
    probs, truth, certain = readings.probs[found], readings.truth[found], readings.readable[found]
    right = probs.argmax(axis=1) == truth
    return GroupScore(
        group=name,
        photographs=photographs,
        found=share_found,
        accuracy=wilson(int(right.sum()), faces),
        mean_recall=_mean_recall(right, truth),
        uncertain=wilson(int((~certain).sum()), faces),
        certain_accuracy=(
            wilson(int((right & certain).sum()), int(certain.sum())) if certain.any() else None
        ),
        ece=round(expected_calibration_error(probs, truth), 4),
        recall={
            EXPRESSIONS[i]: wilson(int(right[truth == i].sum()), int((truth == i).sum()))
            for i in np.unique(truth)
        },
    )


def score_groups(column: str, readings: PhotographReadings) -> GroupTable:
    """Return the results of each group of a column, in order of their names."""
    values = np.asarray(readings.groups[column])
    names = sorted(set(values.tolist()))
    right = (readings.probs.argmax(axis=1) == readings.truth) & readings.found
    everything = np.ones(len(values), dtype=np.bool_)
    return GroupTable(
        column=column,
        groups=tuple(score_group(name, readings, values == name) for name in names),
        p_found=_permuted(values, readings.truth, readings.found, everything),
        p_accuracy=_permuted(values, readings.truth, right, readings.found),
    )


def _mean_recall(right: Flags, truth: Labels) -> Share:
    """Return the mean recall, with an interval from each recall's Jeffreys posterior."""
    rng = np.random.default_rng(_SEED)
    draws = []
    means = []
    for expression in np.unique(truth):
        hits, of = int(right[truth == expression].sum()), int((truth == expression).sum())
        means.append(hits / of)
        draws.append(rng.beta(hits + 0.5, of - hits + 0.5, _DRAWS))
    low, high = np.percentile(np.mean(draws, axis=0), [2.5, 97.5])
    return Share(round(float(np.mean(means)), 4), round(float(low), 4), round(float(high), 4))


def _permuted(values: npt.NDArray[np.str_], truth: Labels, hits: Flags, counted: Flags) -> float:
    """Return the p-value of the groups' difference in the share of hits among those counted."""
    groups, hits, truth = values[counted], hits[counted].astype(np.float64), truth[counted]
    numbers = np.unique(groups, return_inverse=True)[1]
    if not len(groups) or numbers.max() == 0:
        return 1.0
    # What remains of a hit when its expression's mean is taken out.
    rest = hits.copy()
    for expression in np.unique(truth):
        rest[truth == expression] -= hits[truth == expression].mean()
    sizes = np.bincount(numbers)

    def spread(order: npt.NDArray[np.int64]) -> float:
        return float((np.bincount(order, weights=rest) ** 2 / sizes).sum())

    rng, observed, above = np.random.default_rng(_SEED), spread(numbers), 0
    for _ in range(_DRAWS):
        shuffled = numbers.copy()
        for expression in np.unique(truth):
            own = truth == expression
            shuffled[own] = rng.permutation(shuffled[own])
        above += spread(shuffled) >= observed - 1e-12
    return round((above + 1) / (_DRAWS + 1), 4)
