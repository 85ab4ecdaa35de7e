"""The verdict: whether a time was happier than an earlier one, and how certain that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from analytics.comparison.earlier_times import EarlierTime
from analytics.comparison.estimates import (
    CONFIDENCE,
    Estimate,
    TrackSums,
    from_count,
    from_tracks,
    margin,
)
from analytics.comparison.track_sums import MAX_TRACKS, track_sums
from analytics.history.coverage import MIN_COMPARABLE, coverage
from analytics.history.measures import Measures, combine
from analytics.history.source_selection import HistorySource, SourceGroup
from analytics.history.totals import Total, totals
from contracts.expressions import EXPRESSIONS, LABELS, UNCERTAIN
from contracts.runs import RunKind

LEAD: Final = "happy"
"""The expression that the verdict is about."""
MIN_TRACKS: Final = 8
"""Fewer effective tracks in either time are too few for an interval that holds."""
SIMILAR_WITHIN: Final = 0.05
"""Shares are about the same if the interval around their difference is at most this far out."""
_LEAST_CHANGE: Final = 0.005
"""Half a point: smaller changes are shown as 0."""
_UNCERTAIN_CHANGE: Final = 0.1
_STEPPED: Final = 0.9
"""The least part of the person-time that the tracks must explain, or only their number is used."""


class Outcome(StrEnum):
    """HIGHER, LOWER: clearly. SIMILAR: clearly not much. UNCLEAR: see Reason."""

    HIGHER = "higher"
    LOWER = "lower"
    SIMILAR = "similar"
    UNCLEAR = "unclear"


class Reason(StrEnum):
    """Why an outcome is unclear; NONE if it is clear.

    NOT_ANALYSED: nothing was analysed in one of the times. NOBODY: no face was seen in one.
    NOT_COVERED: one was covered for less than 60 %. LENGTH: cameras were expected for a much
    shorter part of one. FEW: too few tracks. WIDE: the uncertainty is larger than the difference.
    READABILITY: the uncertain share changed by 10 points or more, so that the others did too.
    """

    NONE = ""
    NOT_ANALYSED = "not_analysed"
    NOBODY = "nobody"
    NOT_COVERED = "not_covered"
    LENGTH = "length"
    FEW = "few"
    WIDE = "wide"
    READABILITY = "readability"


@dataclass(frozen=True, slots=True)
class LabelChange:
    """The share of a label in both times, 0..1; None where nobody was seen.

    margin: half of the 95 % interval around the change; None if it is not known. clear: whether the
    change is larger than its margin.
    """

    label: str
    now: float | None
    before: float | None
    margin: float | None
    clear: bool

    @property
    def change(self) -> float | None:
        """The share now less the share before."""
        return None if self.now is None or self.before is None else self.now - self.before


@dataclass(frozen=True, slots=True)
class Verdict:
    """A range compared with an earlier time.

    changes: one for each of LABELS. also: the expression beside LEAD that changed most clearly, ""
    if none did, by a level that allows for their number. tracks: as counted; effective: the number
    of equally long stays that are as informative. counted: whether the uncertainty comes from the
    number of tracks alone. valence: derived, without an uncertainty.
    """

    since: datetime
    until: datetime
    earlier: EarlierTime
    outcome: Outcome
    reason: Reason
    changes: tuple[LabelChange, ...]
    also: str
    tracks: tuple[int, int]
    effective: tuple[float, float]
    counted: bool
    covered: tuple[float, float]
    person_s: tuple[float, float]
    valence: tuple[float | None, float | None]

    @property
    def lead(self) -> LabelChange:
        """The change of LEAD."""
        return self.of(LEAD)

    def of(self, label: str) -> LabelChange:
        """Return the change of one label."""
        return next(one for one in self.changes if one.label == label)


def verdict(  # noqa: PLR0913
    connection: Connection,
    since: datetime,
    until: datetime,
    earlier: EarlierTime,
    *,
    sources: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> Verdict:
    """Return the verdict on [since, until) of these sources together.

    Raises SettingsError if a range is invalid, and SourceNotFoundError.
    """
    lines = totals(
        connection, since, until, sources=sources, tags=tags, earlier=(earlier.since, earlier.until)
    )
    return verdict_on(connection, lines, (since, until), earlier)


def verdict_on(
    connection: Connection,
    lines: Sequence[Total],
    span: tuple[datetime, datetime],
    earlier: EarlierTime,
) -> Verdict:
    """Return the verdict on the totals of a range and of `earlier`, one line a source."""
    now, before = combine(one.now for one in lines), combine(one.before for one in lines)
    expected_s = (
        sum(one.expected_s for one in lines),
        sum(one.expected_before_s for one in lines),
    )
    covered = (
        coverage(now.analyzed_s, expected_s[0]),
        coverage(before.analyzed_s, expected_s[1]),
    )
    pks = [pk for line in lines for pk in _pks(line.source)]
    sides = [
        _Side.read(connection, pks, measures, ends)
        for measures, ends in ((now, span), (before, (earlier.since, earlier.until)))
    ]
    changes = tuple(_change(label, *sides) for label in LABELS)
    reason = _hindrance(lines, (now, before), covered, (span, (earlier.since, earlier.until)))
    outcome = Outcome.UNCLEAR
    if not reason:
        outcome, reason = _outcome(changes, sides)
    return Verdict(
        *span,
        earlier,
        outcome,
        reason,
        changes,
        _clearest(sides) if reason in {Reason.NONE, Reason.WIDE} else "",
        (now.tracks, before.tracks),
        (sides[0].effective, sides[1].effective),
        any(one.sums is None for one in sides),
        covered,
        (now.total_s, before.total_s),
        (now.valence, before.valence),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """One of both times. sums: None if only the number of tracks is known."""

    measures: Measures
    sums: TrackSums | None

    @classmethod
    def read(
        cls,
        connection: Connection,
        source_pks: Sequence[int],
        measures: Measures,
        span: tuple[datetime, datetime],
    ) -> "_Side":
        if not 0 < measures.tracks <= MAX_TRACKS:
            return cls(measures, None)
        sums = track_sums(connection, source_pks, *span, measures.tracks)
        explained = sums.tracks > 1 and sums.x >= _STEPPED * measures.total_s
        return cls(measures, sums if explained else None)

    @property
    def shares(self) -> Mapping[str, float] | None:
        return self.measures.shares

    @property
    def effective(self) -> float:
        if self.sums is not None:
            return self.sums.effective
        return from_count(self.measures.tracks, 0.0).effective if self.measures.tracks else 0.0

    def estimate(self, label: str) -> Estimate | None:
        """Return the label's share; None if nobody was seen."""
        shares = self.shares
        if shares is None or not self.effective:
            return None
        if self.sums is not None:
            return from_tracks(self.sums, label, shares[label])
        return from_count(self.measures.tracks, shares[label])


def _change(label: str, now: _Side, before: _Side) -> LabelChange:
    estimates = (now.estimate(label), before.estimate(label))
    wide = None
    if estimates[0] is not None and estimates[1] is not None:
        wide = margin(estimates[0], estimates[1])
    shares = [None if one is None else one[label] for one in (now.shares, before.shares)]
    found = LabelChange(label, shares[0], shares[1], wide, clear=False)
    return replace(found, clear=_is_clear(found.change, wide))


def _is_clear(change: float | None, wide: float | None) -> bool:
    return change is not None and wide is not None and abs(change) >= max(wide, _LEAST_CHANGE)


def _hindrance(
    lines: Sequence[Total],
    both: tuple[Measures, Measures],
    covered: tuple[float, float],
    spans: tuple[tuple[datetime, datetime], tuple[datetime, datetime]],
) -> Reason:
    """Return why two times cannot be compared at all; NONE if they can."""
    if any(one.is_gap() for one in both):
        return Reason.NOT_ANALYSED
    if any(one.shares is None for one in both):
        return Reason.NOBODY
    if min(covered) < MIN_COMPARABLE:
        return Reason.NOT_COVERED
    steady = [one for one in lines if _is_steady(one.source)]
    expected = (sum(one.expected_s for one in steady), sum(one.expected_before_s for one in steady))
    parts = [
        seconds / (until - since).total_seconds()
        for seconds, (since, until) in zip(expected, spans, strict=True)
    ]
    return Reason.LENGTH if min(parts) < MIN_COMPARABLE * max(parts) else Reason.NONE


def _outcome(changes: Sequence[LabelChange], sides: Sequence[_Side]) -> tuple[Outcome, Reason]:
    if min(one.effective for one in sides) < MIN_TRACKS:
        return Outcome.UNCLEAR, Reason.FEW
    by_label = {one.label: one for one in changes}
    uncertain, lead = by_label[UNCERTAIN], by_label[LEAD]
    if uncertain.clear and abs(uncertain.change or 0) >= _UNCERTAIN_CHANGE:
        return Outcome.UNCLEAR, Reason.READABILITY
    if lead.clear:
        return (Outcome.HIGHER if (lead.change or 0) > 0 else Outcome.LOWER), Reason.NONE
    if abs(lead.change or 0) + (lead.margin or 0) <= SIMILAR_WITHIN:
        return Outcome.SIMILAR, Reason.NONE
    return Outcome.UNCLEAR, Reason.WIDE


def _clearest(sides: Sequence[_Side]) -> str:
    """Return the expression beside LEAD and neutral with the clearest change, "" without any.

    The level of Bonferroni: one of many expressions changes by chance more often than a given one.
    """
    others = [label for label in EXPRESSIONS if label not in {LEAD, "neutral"}]
    confidence = 1 - (1 - CONFIDENCE) / len(others)
    ratios = {}
    for label in others:
        now, before = (one.estimate(label) for one in sides)
        if now is None or before is None:
            continue
        change, wide = now.share - before.share, margin(now, before, confidence)
        if _is_clear(change, wide):
            ratios[label] = abs(change) / wide
    return max(ratios, key=lambda label: ratios[label], default="")


def _pks(source: HistorySource | SourceGroup) -> list[int]:
    return [source.pk] if isinstance(source, HistorySource) else [one.pk for one in source.sources]


def _is_steady(source: HistorySource | SourceGroup) -> bool:
    """Whether it is expected all the time: a camera, or generated history."""
    return isinstance(source, HistorySource) and (source.kind == RunKind.LIVE or source.generated)
