"""What a chart says, in a sentence that is computed, so that nobody has to read it off."""

from dataclasses import dataclass
from typing import Final

from analytics.measures import Measures
from analytics.queries import LABELS
from contracts.emotions import UNCERTAIN
from dashboard.amounts import duration, percent, person_time, points

COMPARABLE: Final = 0.6
"""A range that is covered less is not compared with another."""
_MOSTLY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence is about. span_s: of the range, times the sources. step_s: of the chart.

    before: the same length of time before it. longest_gap_s: one shorter than a step is none, but
    the step that is not over.
    """

    name: str
    now: Measures
    before: Measures
    span_s: float
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
    parts.append(f"{percent(coverage(told.now, told.span_s))} covered")
    if told.longest_gap_s >= told.step_s:
        parts.append(f"longest gap {duration(told.longest_gap_s)}")
    else:
        parts.append(f"no gap of {duration(told.step_s)} or longer")
    return "; ".join(parts) + "."


def coverage(found: Measures, span_s: float) -> float:
    """Of the range, what was analysed: 0..1."""
    return min(found.analyzed_s / span_s, 1.0)


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
    least = min(coverage(one, told.span_s) for one in (told.now, told.before))
    if now is None or before is None or least < COMPARABLE:
        return ""
    return f" ({points(now[label] - before[label])})"
