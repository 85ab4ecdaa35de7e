"""Facts of windows: the measure of each window that ends at a whole minute, from minute rollups."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import Connection, Double, cast, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from analytics.alerts.evaluation import Seen
from analytics.history.coverage import ExpectedTime, coverage, expected_times
from analytics.history.source_selection import HistorySource
from contracts.alerts.measures import Measure, MeasureKind
from contracts.alerts.rule import MINUTE_S, AlertRule
from contracts.expressions import VALENCES
from contracts.times import MICROS, from_micros, to_micros
from records.rollups.windows import window_start
from records.tables.rollups import LABEL_SUMS, PROBABILITY_SUMS, rollups
from records.tables.runs import DeadLetter, Run

_MINUTE_US: Final = MINUTE_S * MICROS
_MINUTE: Final = timedelta(seconds=MINUTE_S)
_PROBABILITY_UNIT: Final = 1e6
_NOTHING: Final = (0.0, 0.0, 0.0)


def window_facts(
    connection: Connection,
    rule: AlertRule,
    sources: Sequence[HistorySource],
    since: datetime,
    until: datetime,
) -> dict[int, list[Seen]]:
    """Return for each source what is seen at each whole minute in (since, until], in order.

    The facts at a minute are those of the window that ends there.
    """
    first_us = window_start(to_micros(since), MINUTE_S) + _MINUTE_US
    count = (window_start(to_micros(until), MINUTE_S) - first_us) // _MINUTE_US + 1
    if count <= 0 or not sources:
        return {one.pk: [] for one in sources}
    span = _Span(first_us, count, rule.window_s // MINUTE_S)
    sums = _minute_sums(connection, rule.condition.known, sources, span)
    expected = expected_times(connection, sources, from_micros(span.end_us))
    in_hours = _windows_in_hours(rule, span)
    return {
        one.pk: list(
            _seen(
                rule, span, sums.get(one.pk, {}), ExpectedTime(expected.get(one.pk, ())), in_hours
            )
        )
        for one in sources
    }


@dataclass(frozen=True, slots=True)
class _Span:
    """The moments of a question: `count` minutes from first_us on, windows of `minutes` minutes."""

    first_us: int
    count: int
    minutes: int

    @property
    def begin_us(self) -> int:
        """The begin of the first window."""
        return self.first_us - self.minutes * _MINUTE_US

    @property
    def end_us(self) -> int:
        """The end of the last window."""
        return self.first_us + (self.count - 1) * _MINUTE_US

    @property
    def windows(self) -> Iterator[tuple[datetime, datetime]]:
        """Begin and end of each window, in order."""
        end, length = from_micros(self.first_us), self.minutes * _MINUTE
        for _number in range(self.count):
            yield end - length, end
            end += _MINUTE


def _windows_in_hours(rule: AlertRule, span: _Span) -> list[bool]:
    """Return for each window whether all its minutes are in the hours of the rule."""
    if rule.hours.is_always:
        return [True] * span.count
    starts = range(span.begin_us, span.end_us, _MINUTE_US)
    inside = [0, *accumulate(rule.hours.contain(from_micros(start)) for start in starts)]
    return [
        inside[number + span.minutes] - inside[number] == span.minutes
        for number in range(span.count)
    ]


_Sums = Mapping[int, tuple[float, float, float]]
"""By start of the minute: the measure's own sum, person-time and analysed time in ms."""


def _minute_sums(
    connection: Connection, measure: Measure, sources: Sequence[HistorySource], span: _Span
) -> Mapping[int, _Sums]:
    if measure.kind is MeasureKind.COUNT:
        return _dead_letters(connection, sources, span)
    people: ColumnElement[Any] = sum(
        (rollups.c[name] for name in LABEL_SUMS.values()), start=literal(0)
    )
    query = (
        select(
            rollups.c.source_pk,
            rollups.c.start,
            _sum(_own_sum(measure)),
            _sum(people),
            _sum(rollups.c.analyzed_ms),
        )
        .where(
            rollups.c.source_pk.in_([one.pk for one in sources]),
            rollups.c.width_s == MINUTE_S,
            rollups.c.start >= span.begin_us,
            rollups.c.start < span.end_us,
        )
        .group_by(rollups.c.source_pk, rollups.c.start)
    )
    found: dict[int, dict[int, tuple[float, float, float]]] = {}
    for source_pk, start, own, person_ms, analyzed_ms in connection.execute(query):
        found.setdefault(source_pk, {})[start] = own, person_ms, analyzed_ms
    return found


def _sum(values: ColumnElement[Any]) -> ColumnElement[float]:
    return cast(func.coalesce(func.sum(values), 0), Double)


def _own_sum(measure: Measure) -> ColumnElement[Any]:
    """Return SQL for what is summed besides person-time and analysed time."""
    if measure.kind is MeasureKind.SHARE:
        return rollups.c[LABEL_SUMS[measure.name]]
    if measure.kind is MeasureKind.VALENCE:
        return sum(
            (
                cast(rollups.c[name], Double) * (VALENCES[label] / _PROBABILITY_UNIT)
                for label, name in PROBABILITY_SUMS.items()
            ),
            start=cast(literal(0), Double),
        )
    return literal(0)


def _dead_letters(
    connection: Connection, sources: Sequence[HistorySource], span: _Span
) -> Mapping[int, _Sums]:
    """Count dead letters by the minute in which they were set aside, not of their capture."""
    query = (
        select(Run.source_pk, DeadLetter.at)
        .join(Run, Run.id == DeadLetter.run_pk)
        .where(Run.source_pk.in_([one.pk for one in sources]))
        .where(DeadLetter.at >= from_micros(span.begin_us))
        .where(DeadLetter.at < from_micros(span.end_us))
    )
    found: dict[int, dict[int, tuple[float, float, float]]] = {}
    for source_pk, at in connection.execute(query):
        start = window_start(to_micros(at), MINUTE_S)
        counts = found.setdefault(source_pk, {})
        counts[start] = counts.get(start, _NOTHING)[0] + 1, 0.0, 0.0
    return found


def _seen(
    rule: AlertRule,
    span: _Span,
    sums: _Sums,
    expected: ExpectedTime,
    in_hours: Sequence[bool],
) -> Iterator[Seen]:
    measure = rule.condition.known
    of_people, of_pictures = measure.is_of_people, measure.is_of_pictures
    starts = range(span.begin_us, span.end_us, _MINUTE_US)
    rows = [sums.get(start, _NOTHING) for start in starts]
    own, people, analyzed = ([0.0, *accumulate(row[place] for row in rows)] for place in range(3))
    for number, (begin, end) in enumerate(span.windows):
        last = number + span.minutes
        person_ms = people[last] - people[number]
        analyzed_ms = analyzed[last] - analyzed[number]
        if of_pictures and not analyzed_ms:  # Most windows of a night: nothing to look up.
            yield Seen(end, None, 0.0 if of_people else None, 0.0, in_hours[number])
            continue
        expected_s = expected.seconds(begin, end)
        covered = coverage(analyzed_ms / 1000, expected_s) if expected_s or analyzed_ms else None
        yield Seen(
            end,
            _value(measure.kind, own[last] - own[number], person_ms, analyzed_ms, covered),
            round(person_ms / 1000, 3) if of_people else None,
            (covered or 0.0) if of_pictures else None,
            in_hours[number],
        )


def _value(
    kind: MeasureKind, own: float, person_ms: float, analyzed_ms: float, covered: float | None
) -> float | None:
    if kind is MeasureKind.COUNT:
        return own
    if kind is MeasureKind.COVERAGE:
        return covered
    if kind is MeasureKind.PEOPLE:
        return person_ms / analyzed_ms if analyzed_ms > 0 else None
    # Rounded: sums of floats would differ by where a series begins.
    return round(own / person_ms, 9) if person_ms > 0 else None
