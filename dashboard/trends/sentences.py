"""The computed sentence about a chart: expressions, coverage and gaps."""

from dataclasses import dataclass
from typing import Final

from analytics.history.coverage import comparable, coverage
from analytics.history.measures import Measures
from contracts.expressions import LABELS, UNCERTAIN
from dashboard.web.number_format import count, duration, percent, person_time, points

_MOSTLY: Final = 0.5


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """The facts of one chart. before: the same length of time before the range.

    expected_s, expected_before_s: how long its sources were expected to be analysed.
    longest_gap_s: if shorter than step_s, it is only the unfinished last step.
    """

    name: str
    now: Measures
    before: Measures
    expected_s: float
    expected_before_s: float
    longest_gap_s: float
    step_s: int


def sentence(facts: ChartFacts) -> str:
    """Return the sentence, such as:

    door: mostly neutral (62 % of 41 person-minutes), happy 18 % (+3 points); 9 % uncertain;
    87 % covered; longest gap 3 h; left out: 20 person-minutes of still faces.
    """
    return f"{facts.name}: {statement(facts)}"


def statement(facts: ChartFacts) -> str:
    """Return the sentence without the name."""
    if facts.now.is_gap():
        return "nothing was analysed in this range."
    parts = [_expressions(facts)]
    shares = facts.now.shares
    if shares is not None and _ranked(facts.now)[0] != UNCERTAIN:
        parts.append(f"{percent(shares[UNCERTAIN])} uncertain")
    parts.append(f"{percent(coverage(facts.now.analyzed_s, facts.expected_s))} covered")
    if facts.longest_gap_s >= facts.step_s:
        parts.append(f"longest gap {duration(facts.longest_gap_s)}")
    else:
        parts.append(f"no gap of {duration(facts.step_s)} or longer")
    if left_out := left_out_text(facts.now):
        parts.append(f"left out: {left_out}")
    return "; ".join(parts) + "."


def left_out_text(found: Measures) -> str:
    """Return what is in no other number, as a phrase; "" if there is nothing."""
    parts = []
    if found.static_s:
        parts.append(f"{person_time(found.static_s)} of still faces")
    if found.tentative_tracks:
        noun = "face" if found.tentative_tracks == 1 else "faces"
        parts.append(f"{count(found.tentative_tracks)} {noun} seen in one frame only")
    return ", ".join(parts)


def _expressions(facts: ChartFacts) -> str:
    shares = facts.now.shares
    if shares is None:
        return "nobody was seen"
    first, second = _ranked(facts.now)
    often = "mostly" if shares[first] >= _MOSTLY else "most often"
    text = f"{often} {first} ({percent(shares[first])} of {person_time(facts.now.total_s)})"
    if not shares[second]:
        return text
    return f"{text}, {second} {percent(shares[second])}{_change(facts, second)}"


def _ranked(found: Measures) -> tuple[str, str]:
    """Return the label with most person-time, and the next expression."""
    first = max(LABELS, key=lambda label: found.person_s[label])
    rest = [label for label in LABELS if label not in (first, UNCERTAIN)]
    return first, max(rest, key=lambda label: found.person_s[label])


def _change(facts: ChartFacts, label: str) -> str:
    """Return the difference to the time before; "" if either was covered too little."""
    now, before = facts.now.shares, facts.before.shares
    analyzed_s = (facts.now.analyzed_s, facts.before.analyzed_s)
    covered = comparable(analyzed_s, (facts.expected_s, facts.expected_before_s))
    if now is None or before is None or not covered:
        return ""
    return f" ({points(now[label] - before[label])})"
