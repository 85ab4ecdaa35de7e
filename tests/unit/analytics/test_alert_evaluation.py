"""Given any history, a rule fires and ends as an independent model of it says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alerts.evaluation import CLOSED, AlertState, Seen, evaluate
from contracts.alerts.condition import Condition
from contracts.alerts.events import EventKind, Reason
from contracts.alerts.rule import AlertRule
from contracts.alerts.week_hours import WeekHours

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
Happened = tuple[EventKind, datetime, Reason]


def rule(when: str = "angry > 30%", **given: object) -> AlertRule:
    return AlertRule("test", Condition.parse(when), **given)  # type: ignore[arg-type]


def seen(minute: float, value: float | None, **given: object) -> Seen:
    return Seen(START + timedelta(minutes=minute), value, **given)  # type: ignore[arg-type]


def happened(rule: AlertRule, facts: Sequence[Seen]) -> list[Happened]:
    _, found = evaluate(rule, CLOSED, facts)
    return [(one.kind, one.seen.at, one.reason) for one in found]


def test_it_fires_above_the_limit_and_ends_below_the_lower_one() -> None:
    values = [0.3, 0.31, 0.29, 0.26, 0.25, 0.31]
    facts = [seen(minute, value) for minute, value in enumerate(values)]
    found = happened(rule(clears_at=0.25), facts)
    assert [(kind, at) for kind, at, _ in found] == [
        (EventKind.FIRED, facts[1].at),
        (EventKind.RESOLVED, facts[4].at),
        (EventKind.FIRED, facts[5].at),
    ]


def test_it_says_nothing_of_what_was_hardly_covered() -> None:
    facts = [
        seen(0, 0.9, coverage=0.59, person_s=100.0),
        seen(1, 0.9, coverage=0.6, person_s=29.9),
        seen(2, 0.9, coverage=0.6, person_s=30.0),
        seen(3, 0.1, coverage=0.1, person_s=30.0),
        seen(4, None, coverage=1.0, person_s=0.0),
    ]
    assert happened(rule(), facts) == [(EventKind.FIRED, facts[2].at, Reason.NONE)]


def test_an_open_alert_ends_with_the_hours_of_its_rule() -> None:
    facts = [seen(0, 0.9), seen(1, 0.9, in_hours=False), seen(2, 0.9)]
    assert [one[0] for one in happened(rule(), facts)] == ["fired", "resolved", "fired"]
    assert happened(rule(), facts)[1][2] is Reason.HOURS


def test_a_sampled_measure_must_last_and_be_watched_meanwhile() -> None:
    lasting = rule("lag > 10s", window_s=300)
    facts = [seen(minute, 11.0) for minute in range(6)]
    assert happened(lasting, facts) == [(EventKind.FIRED, facts[5].at, Reason.NONE)]
    unwatched = [*facts[:3], *(seen(minute, 11.0) for minute in range(60, 66))]
    assert happened(lasting, unwatched) == [(EventKind.FIRED, unwatched[-1].at, Reason.NONE)]


def model(rule: AlertRule, facts: Sequence[Seen]) -> list[Happened]:
    """The events of a rule, looked up in the whole history for each moment, without a state."""
    found: list[Happened] = []
    for number, one in enumerate(facts):
        is_open = bool(found) and found[-1][0] is EventKind.FIRED
        if not one.in_hours:
            if is_open:
                found.append((EventKind.RESOLVED, one.at, Reason.HOURS))
            continue
        if not _speaks(rule, one):
            continue
        assert one.value is not None
        sign = 1 if rule.condition.above else -1
        if is_open:
            end = rule.condition.limit if rule.clears_at is None else rule.clears_at
            if sign * one.value <= sign * end:
                found.append((EventKind.RESOLVED, one.at, Reason.CLEARED))
            continue
        if sign * one.value <= sign * rule.condition.limit:
            continue
        begin = number
        while begin and _goes_on(rule, facts[begin - 1], facts[begin]):
            begin -= 1
        lasted = one.at - facts[begin].at
        if rule.condition.known.is_of_the_system and lasted < timedelta(seconds=rule.window_s):
            continue
        last = max((at for kind, at, _ in found if kind is EventKind.FIRED), default=None)
        if last is None or one.at - last >= timedelta(seconds=rule.cooldown_s):
            found.append((EventKind.FIRED, one.at, Reason.NONE))
    return found


def _speaks(rule: AlertRule, one: Seen) -> bool:
    return (
        one.in_hours
        and one.value is not None
        and (one.coverage is None or one.coverage >= rule.min_coverage)
        and (one.person_s is None or one.person_s >= rule.min_person_s)
    )


def _goes_on(rule: AlertRule, before: Seen, after: Seen) -> bool:
    """Whether the condition held at both, and they are near enough."""
    near = after.at - before.at <= timedelta(minutes=2)
    return near and _speaks(rule, before) and rule.condition.holds(before.value or 0.0)


RULES = st.builds(
    lambda condition, hysteresis, cooldown, window: AlertRule(
        "test",
        condition,
        window_s=60 * window,
        clears_at=condition.limit - (hysteresis if condition.above else -hysteresis),
        cooldown_s=60 * cooldown,
    ),
    st.sampled_from(
        [
            Condition("happy", True, 0.5),
            Condition("valence", False, 0.0),
            Condition("people", True, 2.0),
            Condition("lag", True, 2.0),
            Condition("disk", False, 2.0),
        ]
    ),
    st.sampled_from([0.0, 0.25, 0.5]),
    st.integers(0, 6),
    st.integers(1, 4),
)
FACTS = st.lists(
    st.builds(
        lambda pause, value, coverage, person_s, in_hours: (
            pause,
            Seen(START, value, person_s, coverage, in_hours),
        ),
        st.sampled_from([1, 1, 1, 1, 2, 3, 30]),
        st.one_of(st.none(), st.sampled_from([-0.5, 0.0, 0.2, 0.4, 0.5, 0.6, 1.5, 2.0, 2.5])),
        st.sampled_from([None, 0.5, 0.6, 1.0]),
        st.sampled_from([None, 29.0, 30.0]),
        st.sampled_from([True, True, True, True, False]),
    ),
    max_size=40,
)


@given(RULES, FACTS, st.sets(st.integers(0, 40)))
def test_any_history_gives_what_the_model_says_also_over_restarts(
    rule: AlertRule, paused: list[tuple[int, Seen]], restarts: set[int]
) -> None:
    facts, at = [], START
    for pause, one in paused:
        at += timedelta(minutes=pause)
        facts.append(Seen(at, one.value, one.person_s, one.coverage, one.in_hours))
    state, found = CLOSED, []
    cuts = sorted({0, len(facts), *(cut for cut in restarts if cut < len(facts))})
    for begin, end in pairwise(cuts):
        state, events = evaluate(rule, state, facts[begin:end])
        state = AlertState(state.is_open, state.breached_since, state.seen_at, state.fired_at)
        found += [(one.kind, one.seen.at, one.reason) for one in events]
    assert found == model(rule, facts)


@pytest.mark.parametrize("begin", [START - timedelta(days=1), datetime(2026, 10, 24, tzinfo=UTC)])
@given(length=st.integers(1, 300), offset=st.integers(0, 2 * 24 * 60))
def test_windows_lie_in_hours_over_changes_of_the_clock(
    begin: datetime, length: int, offset: int
) -> None:
    """Sunday's 02:00 to 03:00 in Berlin: none of it in spring, twice of it in autumn."""
    hours = WeekHours.parse("sun 02:00-03:00; mon 23:00-01:30", "Europe/Berlin")
    since = begin + timedelta(minutes=offset)
    inside = [_in_hours(since + timedelta(minutes=minute)) for minute in range(length)]
    assert hours.cover(since, since + timedelta(minutes=length)) == all(inside)


def _in_hours(moment: datetime) -> bool:
    """The same by the offsets of Berlin in these weeks."""
    summer = datetime(2026, 3, 29, 1, tzinfo=UTC) <= moment < datetime(2026, 10, 25, 1, tzinfo=UTC)
    local = moment + timedelta(hours=2 if summer else 1)
    day, clock = local.strftime("%a"), local.strftime("%H:%M")
    return (
        (day == "Sun" and "02:00" <= clock < "03:00")
        or (day == "Mon" and clock >= "23:00")
        or (day == "Tue" and clock < "01:30")
    )
