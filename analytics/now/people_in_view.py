"""PeopleInView: how many people a live source shows now, and their expressions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contracts.expressions import EXPRESSIONS, UNCERTAIN, VALENCES

if TYPE_CHECKING:
    from broker.live_view import FaceReading

NOBODY: Final = "nobody"
"""The leading expression of a picture without people."""


@dataclass(frozen=True, slots=True)
class PeopleInView:
    """The people in the newest analysed frame.

    expression: the one that most of them have: a label, UNCERTAIN, or NOBODY. confidence: its mean
    probability over those who have it, 0..1; None for UNCERTAIN and NOBODY. valence: VALENCES
    weighted with the mean probabilities, -1..1; None for NOBODY.
    """

    people: int
    expression: str
    confidence: float | None = None
    valence: float | None = None


def people_in_view(readings: "Sequence[FaceReading]") -> PeopleInView:
    """Return the people among these faces; still and single faces do not count.

    Of two expressions that equally many have, the one with the higher probabilities leads.
    """
    people = [one for one in readings if one.mark.counts]
    if not people:
        return PeopleInView(0, NOBODY)
    by_label: dict[str, list[float]] = defaultdict(list)
    for one in people:
        by_label[one.emotion or UNCERTAIN].append(one.confidence)
    leading, found = max(by_label.items(), key=lambda item: (len(item[1]), sum(item[1])))
    means = [
        sum(shares) / len(people)
        for shares in zip(*(one.probabilities for one in people), strict=True)
    ]
    return PeopleInView(
        len(people),
        leading,
        None if leading == UNCERTAIN else sum(found) / len(found),
        sum(VALENCES[label] * mean for label, mean in zip(EXPRESSIONS, means, strict=True)),
    )
