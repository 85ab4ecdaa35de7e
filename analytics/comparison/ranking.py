"""Rankings: sources and hours of the week by an expression, by valence, or by people in view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from operator import add
from typing import Final, TypeVar

from sqlalchemy import Connection, Double, cast, func, select
from sqlalchemy.sql.elements import ColumnElement

from analytics.history.local_time import finest_step, offset_spans, stored_width
from analytics.history.measures import Measures
from analytics.history.source_selection import HistorySource, SourceGroup, select_sources
from analytics.history.stored_windows import BucketClock, windows_in_range
from analytics.history.timeline import Bucket, timeline
from analytics.history.totals import Total
from contracts.expressions import LABELS, VALENCES
from records.rollups.windows import HOUR_S, QUARTER_S
from records.tables.rollups import LABEL_SUMS, PROBABILITY_SUMS, rollups

RANKS: Final = (*LABELS, "valence", "person")
"""The measures of a ranking: a label's share, derived valence, or the people in view on average."""
MIN_PERSON_S: Final = 60.0
"""Fewer person-seconds give no share and no valence."""
MAX_RANKED: Final = 100
_MOST_STEPS: Final = 60
_BY_QUARTERS: Final = timedelta(days=8)
"""Up to this length an hour of the week is one hour, whose quarters are its course."""
_WEEK_HOURS: Final = 168
_MONDAY_HOURS: Final = 96
_MILLION: Final = 1_000_000

_Key = TypeVar("_Key")
Course = tuple[float | None, ...]
"""The values of equal parts of a time; None where there is too little for one."""


@dataclass(frozen=True, slots=True)
class RankedSource:
    """A source or a tag with its value, None for too little. course: over the range."""

    source: HistorySource | SourceGroup
    total: Total
    value: float | None
    course: Course


def rank_value(found: Measures, rank: str) -> float | None:
    """Return what is ranked: people in view, valence or a share; None if there is too little."""
    if rank == "person":
        return found.total_s / found.analyzed_s if found.analyzed_s else None
    if found.total_s < MIN_PERSON_S or found.shares is None:
        return None
    return found.valence if rank == "valence" else found.shares[rank]


def ranked_sources(
    connection: Connection,
    rows: Sequence[Total],
    span: tuple[datetime, datetime],
    zone: tzinfo,
    rank: str,
) -> tuple[RankedSource, ...]:
    """Return the series of a view, the highest value first, at most MAX_RANKED."""
    valued = [(rank_value(one.now, rank), one) for one in rows]
    valued.sort(key=lambda pair: (pair[0] is None, -(pair[0] or 0), pair[1].source.name))
    kept = valued[:MAX_RANKED]
    names = [one.source.name for _, one in kept if isinstance(one.source, HistorySource)]
    tags = [one.source.name for _, one in kept if isinstance(one.source, SourceGroup)]
    if not kept:
        return ()
    found = timeline(
        connection, *span, zone, sources=names, groups=tags, step_s=finest_step(*span, _MOST_STEPS)
    )
    return tuple(
        RankedSource(
            one.source,
            one,
            value,
            _course(
                (found.groups if isinstance(one.source, SourceGroup) else found.series)[
                    one.source.name
                ],
                rank,
            ),
        )
        for value, one in kept
    )


def hour_courses(  # noqa: PLR0913
    connection: Connection,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    rank: str,
    *,
    sources: Sequence[str] = (),
) -> Mapping[int, Course]:
    """Return the course of each hour of the week, from Monday: its weeks, or its quarters.

    Of a range of up to eight days it is the four quarters of the hour, else one value a week.
    """
    quarters = until - since <= _BY_QUARTERS
    step_s = QUARTER_S if quarters else HOUR_S
    pks = [one.pk for one in select_sources(connection, sources)]
    sums: dict[int, Sequence[float]] = {}
    for span in offset_spans(since, until, zone):
        index = BucketClock(step_s, span.offset_s).index()
        width_s = stored_width(step_s, {span.offset_s})
        query = (
            select(index, *_parts(rank))
            .where(*windows_in_range(pks, width_s, span.since_us, span.until_us))
            .group_by(index)
        )
        for at, *parts in connection.execute(query):
            _add(sums, at, [float(part or 0) for part in parts])
    if quarters:
        return _by_hour({(at // 4, at % 4): parts for at, parts in sums.items()}, 4, rank)
    weeks = {at: (at - _MONDAY_HOURS) // _WEEK_HOURS for at in sums}
    first, last = min(weeks.values(), default=0), max(weeks.values(), default=0)
    return _by_hour(
        {(at, weeks[at] - first): parts for at, parts in sums.items()}, last - first + 1, rank
    )


def _by_hour(
    sums: Mapping[tuple[int, int], Sequence[float]], slots: int, rank: str
) -> dict[int, Course]:
    """Return the values by hour of the week. sums: by hour since 1970 and place in the course."""
    together: dict[tuple[int, int], Sequence[float]] = {}
    for (hour, slot), parts in sums.items():
        _add(together, ((hour - _MONDAY_HOURS) % _WEEK_HOURS, slot), parts)
    found: dict[int, list[float | None]] = {}
    for (hour, slot), (above, below, person_ms) in together.items():
        enough = rank == "person" or person_ms >= MIN_PERSON_S * 1000
        values = found.setdefault(hour, [None] * slots)
        values[slot] = above / below if below and enough else None
    return {hour: tuple(values) for hour, values in found.items()}


def _add(sums: dict[_Key, Sequence[float]], key: _Key, parts: Sequence[float]) -> None:
    known = sums.get(key)
    sums[key] = parts if known is None else list(map(add, known, parts))


def _parts(rank: str) -> tuple[ColumnElement[float], ...]:
    """Return SQL for the sums whose ratio is ranked, and for the person-time."""
    person = sum((rollups.c[name] for name in LABEL_SUMS.values()), start=rollups.c.happy_ms * 0)
    above, below = person, person
    if rank == "person":
        below = rollups.c.analyzed_ms
    elif rank == "valence":
        above = sum(
            (
                cast(rollups.c[PROBABILITY_SUMS[label]], Double) * (weight / _MILLION)
                for label, weight in VALENCES.items()
            ),
            start=cast(rollups.c.happy_ms, Double) * 0,
        )
    else:
        above = rollups.c[LABEL_SUMS[rank]]
    return (func.sum(above), func.sum(below), func.sum(person))


def _course(buckets: Sequence[Bucket], rank: str) -> Course:
    return tuple(
        None if one.measures.is_gap() else rank_value(one.measures, rank) for one in buckets
    )
