"""The measures that a rule may watch: their names, units and limits."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.expressions import EXPRESSIONS, UNCERTAIN


class MeasureKind(StrEnum):
    """How a measure is read.

    share, valence, people, coverage, count: from the stored sums of a window. away: from the states
    of a live source. sampled: as it is now, of the whole system; it must last for the window.
    """

    SHARE = "share"
    VALENCE = "valence"
    PEOPLE = "people"
    COVERAGE = "coverage"
    COUNT = "count"
    AWAY = "away"
    SAMPLED = "sampled"


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that a rule compares with a limit.

    name: as rules have it. title: for people. unit: of values as they are shown: "%" for shares,
    "s", "GB" or "". least, most: the limits of a sensible comparison. signs: the comparisons that
    make sense.
    """

    name: str
    kind: MeasureKind
    title: str
    unit: str = ""
    least: float = 0.0
    most: float = 1e6
    signs: str = "<>"

    @property
    def is_of_people(self) -> bool:
        """Whether it needs person-seconds: without any, it is not known."""
        return self.kind in {MeasureKind.SHARE, MeasureKind.VALENCE}

    @property
    def is_of_pictures(self) -> bool:
        """Whether it needs coverage: without analysed time, it is not known."""
        return self.is_of_people or self.kind is MeasureKind.PEOPLE

    @property
    def is_of_the_system(self) -> bool:
        """Whether it has one value for the whole system, and none for each source."""
        return self.kind is MeasureKind.SAMPLED

    @property
    def is_of_a_window(self) -> bool:
        """Whether it is read from the sums of the minutes of a window."""
        return self.kind not in {MeasureKind.AWAY, MeasureKind.SAMPLED}


VALENCE: Final = "valence"
PEOPLE: Final = "people"
COVERAGE: Final = "coverage"
AWAY: Final = "away"
LAG: Final = "lag"
DISK: Final = "disk"
DEAD_LETTERS: Final = "dead-letters"
_DAY_S: Final = 86_400.0


def _share(name: str, title: str) -> Measure:
    return Measure(name, MeasureKind.SHARE, title, "%", most=1.0)


MEASURES: Final = {
    one.name: one
    for one in (
        *(_share(label, f"share of {label}") for label in EXPRESSIONS),
        _share(UNCERTAIN, "share of uncertain"),
        Measure(VALENCE, MeasureKind.VALENCE, "valence", least=-1.0, most=1.0),
        Measure(PEOPLE, MeasureKind.PEOPLE, "people in view", most=1000.0),
        Measure(COVERAGE, MeasureKind.COVERAGE, "coverage", "%", most=1.0),
        Measure(DEAD_LETTERS, MeasureKind.COUNT, "dead letters", signs=">"),
        Measure(AWAY, MeasureKind.AWAY, "time away", "s", 10.0, 7 * _DAY_S, ">"),
        Measure(LAG, MeasureKind.SAMPLED, "lag of the workers", "s", most=_DAY_S, signs=">"),
        Measure(DISK, MeasureKind.SAMPLED, "free disk space", "GB", signs="<"),
    )
}
"""All measures, by name."""
