"""Facts of live sources that are away: how long each has not delivered frames."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from analytics.alerts.evaluation import Seen
from analytics.history.source_selection import HistorySource
from contracts.alerts.rule import AlertRule
from contracts.live_sources import LiveState
from contracts.times import EPOCH
from records.tables.sources import Source, SourceInterval

_AT_WORK = (LiveState.STREAMING, LiveState.PAUSED)
"""A source that its owner paused is not away."""
_Interval = tuple[datetime, datetime]


def away_facts(  # noqa: PLR0913, PLR0917
    connection: Connection,
    rule: AlertRule,
    sources: Sequence[HistorySource],
    since: datetime,
    until: datetime,
    step: timedelta,
) -> dict[int, list[Seen]]:
    """Return for each source what is seen at each multiple of `step` in (since, until], in order.

    The value is the time since the source last delivered frames, was paused, or was added.
    """
    moments = list(_moments(since, until, step))
    # Generated history has no states: it is never away.
    pks = [one.pk for one in sources if not one.generated]
    if not moments or not pks:
        return {one.pk: [] for one in sources}
    in_hours = [rule.hours.cover(moment, moment) for moment in moments]
    added = _added(connection, pks)
    intervals = _intervals(connection, pks, moments[0], moments[-1])
    paused = set(connection.scalars(select(Source.id).where(Source.id.in_(pks), Source.paused)))
    found: dict[int, list[Seen]] = {one.pk: [] for one in sources}
    for pk in pks:
        seconds = _away_seconds(moments, added.get(pk, EPOCH), intervals.get(pk, ()))
        found[pk] = [
            Seen(moment, 0.0 if pk in paused and moment is moments[-1] else away, in_hours=inside)
            for moment, away, inside in zip(moments, seconds, in_hours, strict=True)
        ]
    return found


def _moments(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    moment = EPOCH + ((since - EPOCH) // step + 1) * step
    while moment <= until:
        yield moment
        moment += step


def _added(connection: Connection, pks: Sequence[int]) -> dict[int, datetime]:
    query = select(Source.id, Source.created_at).where(Source.id.in_(pks))
    return {row.id: row.created_at for row in connection.execute(query)}


def _intervals(
    connection: Connection, pks: Sequence[int], first: datetime, last: datetime
) -> Mapping[int, list[_Interval]]:
    """Return the times at work of each source, in order: the last before `first`, and all later."""
    at_work = (
        SourceInterval.source_pk.in_(pks),
        SourceInterval.state.in_(_AT_WORK),
        SourceInterval.since <= last,
    )
    before = (
        select(SourceInterval.source_pk, func.max(SourceInterval.until).label("until"))
        .where(*at_work, SourceInterval.since <= first)
        .group_by(SourceInterval.source_pk)
    )
    found: dict[int, list[_Interval]] = {}
    for row in connection.execute(before):
        found[row.source_pk] = [(EPOCH, row.until)]
    later = (
        select(SourceInterval.source_pk, SourceInterval.since, SourceInterval.until)
        .where(*at_work, SourceInterval.since > first)
        .order_by(SourceInterval.since, SourceInterval.id)
    )
    for pk, begin, end in connection.execute(later):
        found.setdefault(pk, []).append((begin, end))
    return found


def _away_seconds(
    moments: Sequence[datetime], added: datetime, intervals: Sequence[_Interval]
) -> Iterator[float]:
    """Yield for each moment the seconds since the last time at work, or since it was added."""
    begins = [begin for begin, _ in intervals]
    latest, ends = added, []
    for _, end in intervals:
        latest = max(latest, end)
        ends.append(latest)
    for moment in moments:
        place = bisect_right(begins, moment)
        end = ends[place - 1] if place else added
        yield max((moment - end).total_seconds(), 0.0)
