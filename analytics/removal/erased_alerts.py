"""Erasure of alerts: events that say what was read of the people in the scope."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from analytics.removal.erasure_scope import ErasureScope, ScopedRun
from contracts.alerts.measures import MEASURES
from contracts.alerts.rule import MAX_WINDOW_S
from contracts.times import EPOCH, MICROS, from_micros
from records.alerts.rule_json import decode_details
from records.rollups.windows import MINUTE_S
from records.tables.alerts import AlertEvent, StoredState
from records.tables.rollups import RunMinute
from records.tables.sources import Source

_LONGEST = timedelta(seconds=MAX_WINDOW_S)
_NO_END = EPOCH.replace(year=9000)


def alert_events_in_scope(
    connection: Connection, scope: ErasureScope, runs: Sequence[ScopedRun]
) -> list[int]:
    """Return the events whose windows overlap the scope, and whose measures are of people.

    Of a scope that names a run, they are those of its source in its time.
    """
    since, until = scope.since or EPOCH, min(scope.until or _NO_END, _NO_END)
    if scope.run_id is not None:
        first, last = _captured(connection, runs)
        since, until = max(since, first), min(until, last)
    query = (
        select(AlertEvent.id, AlertEvent.details)
        .where(AlertEvent.subject != 0, AlertEvent.at > since)
        .where(AlertEvent.at < until + _LONGEST)
    )
    if scope.source is not None:
        of_source = select(Source.id).where(Source.name == scope.source)
        query = query.where(AlertEvent.subject.in_(of_source))
    elif scope.run_id is not None:
        query = query.where(AlertEvent.subject.in_([run.source_pk for run in runs]))
    found = []
    for row in connection.execute(query):
        details = decode_details(row.details)
        measure = MEASURES.get(details.measure)
        if details.since < until and measure is not None and measure.is_of_pictures:
            found.append(row.id)
    return found


def erase_alert_events(connection: Connection, events: Sequence[int]) -> None:
    """Delete events; alerts that they opened are open no longer."""
    connection.execute(
        update(StoredState).where(StoredState.event_pk.in_(events)).values(event_pk=None)
    )
    connection.execute(delete(AlertEvent).where(AlertEvent.id.in_(events)))


def _captured(connection: Connection, runs: Sequence[ScopedRun]) -> tuple[datetime, datetime]:
    """Return the begin and the end of what the runs captured."""
    first, last = connection.execute(
        select(func.min(RunMinute.start), func.max(RunMinute.start)).where(
            RunMinute.run_pk.in_([run.pk for run in runs])
        )
    ).one()
    if first is None:
        return EPOCH, EPOCH
    return from_micros(first), from_micros(last + MINUTE_S * MICROS)
