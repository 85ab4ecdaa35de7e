"""A round: all rules are evaluated up to now, each in a transaction of its own.

The moments of a rule are fixed, and each is evaluated once, by whichever scheduler comes first:
`evaluated_until` of the rule moves in the same transaction as its states and events.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from sqlalchemy import Connection, Engine, select

from analytics.alerts.away_facts import away_facts
from analytics.alerts.evaluation import AlertState, Occurrence, Seen, evaluate
from analytics.alerts.rule_sources import rule_sources
from analytics.alerts.window_facts import window_facts
from analytics.snapshots import snapshot
from contracts.alerts.events import SYSTEM_SUBJECT, EventDetails, EventKind, Reason
from contracts.alerts.measures import MeasureKind
from contracts.alerts.rule import MINUTE_S, AlertRule
from contracts.times import EPOCH, from_micros, to_micros
from records.alerts.rounds import (
    CLOCK_SKEW,
    SubjectEvent,
    SubjectResult,
    SubjectState,
    forget_future,
    read_states,
    store_round,
)
from records.alerts.rules import KnownRule, list_rules
from records.tables.rollups import DirtyWindow
from runtime.failpoints import failpoint

CATCH_UP: Final = timedelta(days=1)
"""Moments that are older than this when a scheduler comes back are left out."""
_STATE_STEP: Final = timedelta(seconds=10)
_SETTLING: Final = timedelta(seconds=20)
"""Time after which the rows of a minute are committed and rolled up, if nothing lags."""
_PATIENCE: Final = timedelta(minutes=10)
"""How long a window waits for rows that are still to be rolled up."""


ReadMeasures = Callable[[], Mapping[str, float | None]]
"""Reads the measures of the whole system now, by name; None: not known."""


def run_round(engine: Engine, read_system: ReadMeasures, now: datetime) -> int:
    """Evaluate all rules; return the number of events.

    read_system: called if a rule needs it. Raises DatabaseError; what was evaluated before it is
    stored.
    """
    system = cache(read_system)
    with snapshot(engine) as connection:
        rules = list_rules(connection)
    if any(one.evaluated_until > now + CLOCK_SKEW for one in rules):
        forget_future(engine, now)
    keys = [one.pk for one in rules if _latest(one.rule, now) > one.evaluated_until]
    return sum(_run_rule(engine, pk, system, now) for pk in keys)


def _run_rule(engine: Engine, pk: int, system: ReadMeasures, now: datetime) -> int:
    with snapshot(engine) as connection:
        found = list_rules(connection, pk=pk)
        if not found:  # It was removed meanwhile.
            return 0
        (known,) = found
        until = _until(connection, known, now)
        if until <= known.evaluated_until:
            return 0
        since = max(known.evaluated_until, until - CATCH_UP)
        states = read_states(connection, pk)
        names, facts = _facts(connection, known, system, since, until)
    failpoint("alert-decided")
    results = _results(known.rule, names, states, facts, until)
    if not store_round(engine, known, until, states, results, now):
        return 0
    return sum(len(one.events) for one in results.values())


def _until(connection: Connection, known: KnownRule, now: datetime) -> datetime:
    """Return the last moment of the rule that can be evaluated now."""
    measure, until = known.rule.condition.known, _latest(known.rule, now)
    if not measure.is_of_a_window or measure.kind is MeasureKind.COUNT:
        return until
    # Rows that came late are still to be rolled up: the windows that contain them wait.
    pks = [one.pk for one in rule_sources(connection, known.keys, known.rule.tags)]
    first = known.evaluated_until + timedelta(seconds=MINUTE_S - known.rule.window_s)
    waiting = connection.execute(
        select(DirtyWindow.start)
        .where(DirtyWindow.source_pk.in_(pks))
        .where(DirtyWindow.start >= to_micros(max(first, EPOCH)))
        .where(DirtyWindow.start < to_micros(until))
        .order_by(DirtyWindow.start)
        .limit(1)
    ).scalar()
    if waiting is None:
        return until
    impatient = _floor(now - _PATIENCE, timedelta(seconds=MINUTE_S))
    return min(max(from_micros(waiting), impatient), until)


def _latest(rule: AlertRule, now: datetime) -> datetime:
    """Return the last moment of a rule that is settled now, if no rows came late."""
    measure = rule.condition.known
    if measure.is_of_a_window:
        return _floor(now - _SETTLING, timedelta(seconds=MINUTE_S))
    settling = timedelta(0) if measure.is_of_the_system else _STATE_STEP
    return _floor(now - settling, _STATE_STEP)


def _floor(moment: datetime, step: timedelta) -> datetime:
    return EPOCH + (moment - EPOCH) // step * step


def _facts(
    connection: Connection,
    known: KnownRule,
    system: ReadMeasures,
    since: datetime,
    until: datetime,
) -> tuple[dict[int, str], dict[int, list[Seen]]]:
    """Return the names of the subjects, and what is seen of each."""
    rule, measure = known.rule, known.rule.condition.known
    if measure.is_of_the_system:
        value = system().get(measure.name)
        seen = Seen(until, value, in_hours=rule.hours.cover(until, until))
        return {SYSTEM_SUBJECT: ""}, {SYSTEM_SUBJECT: [seen]}
    sources = rule_sources(connection, known.keys, rule.tags)
    names = {one.pk: one.name for one in sources}
    if measure.kind is MeasureKind.AWAY:
        return names, away_facts(connection, rule, sources, since, until, _STATE_STEP)
    return names, window_facts(connection, rule, sources, since, until)


def _results(
    rule: AlertRule,
    names: Mapping[int, str],
    states: Mapping[int, SubjectState],
    facts: Mapping[int, Sequence[Seen]],
    until: datetime,
) -> dict[int, SubjectResult]:
    results = {}
    for subject, seen in facts.items():
        before = states.get(subject, SubjectState())
        state, happened = evaluate(rule, _alert_state(before), seen)
        after = _remembered(rule, state, until)
        # Most subjects have nothing to remember: their rows would only cost writes.
        if after is not None or happened or subject in states:
            events = [_event(rule, one) for one in happened]
            results[subject] = SubjectResult(names[subject], after, events)
    for subject, before in states.items():
        if subject not in facts:  # The rule is no longer about it.
            gone = Occurrence(EventKind.RESOLVED, Reason.SOURCE, Seen(until, None))
            events = [_event(rule, gone)] if before.event_pk else []
            results[subject] = SubjectResult("", None, events)
    return results


def _remembered(rule: AlertRule, state: AlertState, until: datetime) -> SubjectState | None:
    """Return what the next round needs to know; None for nothing."""
    cooled = until - timedelta(seconds=rule.cooldown_s)
    fired_at = state.fired_at
    if not state.is_open and fired_at is not None and fired_at <= cooled:
        fired_at = None
    if not state.is_open and fired_at is None and state.breached_since is None:
        return None
    return SubjectState(None, state.breached_since, state.seen_at, fired_at)


def _alert_state(stored: SubjectState) -> AlertState:
    return AlertState(
        stored.event_pk is not None, stored.breached_since, stored.seen_at, stored.fired_at
    )


def _event(rule: AlertRule, happened: Occurrence) -> SubjectEvent:
    return SubjectEvent(
        happened.kind, happened.seen.at, happened.seen.value, details_of(rule, happened)
    )


def details_of(rule: AlertRule, happened: Occurrence) -> EventDetails:
    """Return what was seen, as it is stored."""
    seen, measure = happened.seen, rule.condition.known
    window = timedelta(seconds=rule.window_s if measure.kind is not MeasureKind.AWAY else 0)
    return EventDetails(
        measure=measure.name,
        condition=rule.sentence,
        limit=rule.condition.limit,
        unit=measure.unit,
        since=seen.at - window,
        until=seen.at,
        person_s=seen.person_s,
        coverage=None if seen.coverage is None else round(seen.coverage, 4),
        reason=happened.reason,
    )
