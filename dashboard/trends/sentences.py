"""What a chart says, in a sentence that is computed, so that nobody has to read it off."""

from dataclasses import dataclass
from typing import Final

from analytics.history.coverage import comparable, coverage
from analytics.history.measures import Measures
from analytics.runs.run_list import LABELS
from contracts.expressions import UNCERTAIN
from dashboard.web.number_format import duration, percent, person_time, points

_MOSTLY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence is about. step_s: of the chart. before: the same length of time before it.

    expected_s, expected_before_s: how long its sources could have been seen. longest_gap_s: one
    shorter than a step is none, but the step that is not over.
    """

    name: str
    now: Measures
    before: Measures
    expected_s: float
    expected_before_s: float
    longest_gap_s: float
    step_s: int


def sentence(told: Told) -> str:
    """ "door: mostly neutral (62 % of 41 person-minutes), happy 18 % (+3 points); 9 % uncertain;
    87 % covered; longest gap 3 h"."""
    return f"{told.name}: {statement(told)}"


def statement(told: Told) -> str:
    """The sentence without the name, for where it stands above."""
    if told.now.is_gap():
        return "nothing was analysed in this range."
    parts = [_expressed(told)]
    shares = told.now.shares
    if shares is not None and _ranked(told.now)[0] != UNCERTAIN:
        parts.append(f"{percent(shares[UNCERTAIN])} uncertain")
    parts.append(f"{percent(coverage(told.now.analyzed_s, told.expected_s))} covered")
    if told.longest_gap_s >= told.step_s:
        parts.append(f"longest gap {duration(told.longest_gap_s)}")
    else:
        parts.append(f"no gap of {duration(told.step_s)} or longer")
    return "; ".join(parts) + "."


def _expressed(told: Told) -> str:
    shares = told.now.shares
    if shares is None:
        return "nobody was seen"
    first, second = _ranked(told.now)
    often = "mostly" if shares[first] >= _MOSTLY else "most often"
    text = f"{often} {first} ({percent(shares[first])} of {person_time(told.now.total_s)})"
    if not shares[second]:
        return text
    return f"{text}, {second} {percent(shares[second])}{_change(told, second)}"


def _ranked(found: Measures) -> tuple[str, str]:
    """The label of most person-time; and of the rest the expression of most."""
    first = max(LABELS, key=lambda label: found.person_s[label])
    rest = [label for label in LABELS if label not in (first, UNCERTAIN)]
    return first, max(rest, key=lambda label: found.person_s[label])


def _change(told: Told, label: str) -> str:
    """Since the time before, where both were seen well enough to say so."""
    now, before = told.now.shares, told.before.shares
    analyzed_s = (told.now.analyzed_s, told.before.analyzed_s)
    well = comparable(analyzed_s, (told.expected_s, told.expected_before_s))
    if now is None or before is None or not well:
        return ""
    return f" ({points(now[label] - before[label])})"
