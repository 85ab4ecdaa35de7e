"""The evaluation of a rule: a state and the facts of a moment in, a state and events out. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from contracts.alerts.events import EventKind, Reason
from contracts.alerts.rule import AlertRule

_BLIND: Final = timedelta(minutes=2)
"""A sampled measure that was not looked at for this long begins to last again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The facts about a subject at one moment.

    at: the end of the window. value: of the measure, None if it is not known. person_s, coverage:
    of the window; None where the measure does not depend on them. in_hours: whether the whole
    window lies in the hours of the rule.
    """

    at: datetime
    value: float | None
    person_s: float | None = None
    coverage: float | None = None
    in_hours: bool = True


@dataclass(frozen=True, slots=True)
class AlertState:
    """The state of a rule for one subject: see records/tables/alerts.py.

    is_open: whether the alert has fired and was not resolved.
    """

    is_open: bool = False
    breached_since: datetime | None = None
    seen_at: datetime | None = None
    fired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened, and what was seen then."""

    kind: EventKind
    reason: Reason
    seen: Seen


CLOSED: Final = AlertState()


def evaluate(
    rule: AlertRule, state: AlertState, facts: Iterable[Seen]
) -> tuple[AlertState, Sequence[Occurrence]]:
    """Return the state after the facts, which are in the order of time, and what happened."""
    happened = []
    for seen in facts:
        state, one = step(rule, state, seen)
        if one is not None:
            happened.append(one)
    return state, happened


def step(rule: AlertRule, state: AlertState, seen: Seen) -> tuple[AlertState, Occurrence | None]:
    """Return the state after one moment, and what happened in it.

    Outside of its hours an alert ends, and none begins. What is not known changes nothing: an open
    alert stays open.
    """
    if not seen.in_hours:
        ended = replace(state, breached_since=None, seen_at=seen.at)
        return _resolved(ended, seen, Reason.HOURS) if state.is_open else (ended, None)
    if seen.value is None or not is_enough(rule, seen):
        return replace(state, breached_since=None, seen_at=seen.at), None
    known = replace(state, seen_at=seen.at, breached_since=_breached_since(rule, state, seen))
    if state.is_open:
        if has_cleared(rule, seen.value):
            return _resolved(known, seen, Reason.CLEARED)
        return known, None
    if not _lasts(rule, known, seen) or _cools_down(rule, state, seen):
        return known, None
    fired = replace(known, is_open=True, fired_at=seen.at)
    return fired, Occurrence(EventKind.FIRED, Reason.NONE, seen)


def is_enough(rule: AlertRule, seen: Seen) -> bool:
    """Return whether enough was seen to say something."""
    if seen.person_s is not None and seen.person_s < rule.min_person_s:
        return False
    return seen.coverage is None or seen.coverage >= rule.min_coverage


def has_cleared(rule: AlertRule, value: float) -> bool:
    """Return whether an open alert ends at this value."""
    return not rule.condition.is_beyond(value, rule.end_limit)


def _resolved(state: AlertState, seen: Seen, reason: Reason) -> tuple[AlertState, Occurrence]:
    return replace(state, is_open=False), Occurrence(EventKind.RESOLVED, reason, seen)


def _breached_since(rule: AlertRule, state: AlertState, seen: Seen) -> datetime | None:
    """Return since when the condition has been true without a break; None if it is not."""
    assert seen.value is not None
    if not rule.condition.holds(seen.value):
        return None
    was_seen = state.seen_at is not None and seen.at - state.seen_at <= _BLIND
    return state.breached_since if was_seen and state.breached_since else seen.at


def _lasts(rule: AlertRule, state: AlertState, seen: Seen) -> bool:
    """Return whether the condition has been true for long enough."""
    if state.breached_since is None:
        return False
    return seen.at - state.breached_since >= timedelta(seconds=rule.lasts_s)


def _cools_down(rule: AlertRule, state: AlertState, seen: Seen) -> bool:
    if state.fired_at is None:
        return False
    return seen.at - state.fired_at < timedelta(seconds=rule.cooldown_s)
