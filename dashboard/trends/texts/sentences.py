"""The computed sentence about a chart: expressions, coverage and gaps."""

from dataclasses import dataclass
from typing import Final

from analytics.history.coverage import comparable, coverage
from analytics.history.measures import Measures
from analytics.history.source_selection import HistorySource, SourceGroup
from contracts.expressions import LABELS, UNCERTAIN
from dashboard.language.words import N_, _, label_name, n_
from dashboard.web.number_format import duration, percent, person_time, points
from runtime.visible_text import visible

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


def shown_name(source: HistorySource | SourceGroup) -> str:
    """Return the name of a source or tag, and whether its history is generated."""
    name = visible(source.name)
    if isinstance(source, HistorySource):
        return _("{name} (generated)", name=name) if source.generated else name
    number, generated = len(source.sources), sum(one.generated for one in source.sources)
    if not generated:
        return n_("tag {tag} ({count} source)", "tag {tag} ({count} sources)", number, tag=name)
    if generated == number:
        return n_(
            "tag {tag} ({count} source, generated)",
            "tag {tag} ({count} sources, generated)",
            number,
            tag=name,
        )
    return n_(
        "tag {tag} ({count} source, {generated} generated)",
        "tag {tag} ({count} sources, {generated} generated)",
        number,
        tag=name,
        generated=generated,
    )


def sentence(facts: ChartFacts) -> str:
    """Return the sentence, such as:

    door: mostly neutral (62 % of 41 person-minutes), happy 18 % (+3 points); 9 % uncertain;
    87 % covered; longest gap 3 h; left out: 20 person-minutes of still faces.
    """
    return _("{name}: {value}", name=facts.name, value=statement(facts))


def statement(facts: ChartFacts) -> str:
    """Return the sentence without the name."""
    if facts.now.is_gap():
        return _("nothing was analysed in this range.")
    parts = [_expressions(facts)]
    shares = facts.now.shares
    if shares is not None and _ranked(facts.now)[0] != UNCERTAIN:
        parts.append(_("{share} uncertain", share=percent(shares[UNCERTAIN])))
    covered = coverage(facts.now.analyzed_s, facts.expected_s)
    parts.append(_("{share} covered", share=percent(covered)))
    if facts.longest_gap_s >= facts.step_s:
        parts.append(_("longest gap {duration}", duration=duration(facts.longest_gap_s)))
    else:
        parts.append(_("no gap of {duration} or longer", duration=duration(facts.step_s)))
    if left_out := left_out_text(facts.now):
        parts.append(_("left out: {what}", what=left_out))
    return _("; ").join(parts) + "."


def left_out_text(found: Measures) -> str:
    """Return what is in no other number, as a phrase; "" if there is nothing."""
    parts = []
    if found.static_s:
        parts.append(_("{time} of still faces", time=person_time(found.static_s)))
    if found.tentative_tracks:
        parts.append(
            n_(
                "{count} face seen in one frame only",
                "{count} faces seen in one frame only",
                found.tentative_tracks,
            )
        )
    return _(", ").join(parts)


def _expressions(facts: ChartFacts) -> str:
    shares = facts.now.shares
    if shares is None:
        return _("nobody was seen")
    first, second = _ranked(facts.now)
    often = N_("mostly {label} ({share} of {time})")
    if shares[first] < _MOSTLY:
        often = N_("most often {label} ({share} of {time})")
    time = person_time(facts.now.total_s)
    text = _(often, label=label_name(first), share=percent(shares[first]), time=time)
    if not shares[second]:
        return text
    other = _("{label} {share}", label=label_name(second), share=percent(shares[second]))
    return f"{text}, {other}{_change(facts, second)}"


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
