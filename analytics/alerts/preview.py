"""Preview: how often a rule would have fired in the past days, before it is saved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from analytics.alerts.away_facts import away_facts
from analytics.alerts.evaluation import CLOSED, Occurrence, Seen, evaluate, is_enough
from analytics.alerts.rule_sources import rule_sources
from analytics.alerts.window_facts import window_facts
from contracts.alerts.events import EventKind
from contracts.alerts.measures import MeasureKind
from contracts.alerts.rule import MINUTE_S, AlertRule
from contracts.times import EPOCH
from records.alerts.rules import checked_keys

SPAN: Final = timedelta(days=7)
STEP: Final = timedelta(minutes=30)
MAX_SOURCES: Final = 12
_MINUTE: Final = timedelta(seconds=MINUTE_S)


@dataclass(frozen=True, slots=True)
class Firing:
    """A time in which an alert would have been open. ended_at: None if it still would be."""

    at: datetime
    value: float | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourcePreview:
    """The events that a rule would have had with one source.

    points: for each step of STEP, the value that is furthest in the direction of the alarm; None
    where too little was seen.
    """

    source: str
    generated: bool
    firings: tuple[Firing, ...]
    points: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The preview of a rule over [since, until).

    kept: whether the measure is kept, so that there is a past to look at. left_out: sources that
    were not looked at, because there are more than MAX_SOURCES.
    """

    since: datetime
    until: datetime
    kept: bool
    sources: tuple[SourcePreview, ...]
    left_out: int

    @property
    def is_seen(self) -> bool:
        """Whether anything was seen by which the rule could have fired."""
        return any(one is not None for source in self.sources for one in source.points)

    @property
    def firings(self) -> int:
        """How often it would have fired."""
        return sum(len(one.firings) for one in self.sources)


def preview(connection: Connection, rule: AlertRule, now: datetime) -> Preview:
    """Return what the rule would have done in the last seven days.

    Raises AlertError if the rule names a source or a target that is not known.
    """
    until = EPOCH + (now - EPOCH) // STEP * STEP + STEP
    since = until - SPAN
    keys = checked_keys(connection, rule)
    if rule.condition.known.is_of_the_system:
        return Preview(since, until, False, (), 0)
    sources = rule_sources(connection, keys, rule.tags)
    chosen, left_out = sources[:MAX_SOURCES], max(len(sources) - MAX_SOURCES, 0)
    moment = EPOCH + (now - EPOCH) // _MINUTE * _MINUTE
    if rule.condition.known.kind is MeasureKind.AWAY:
        facts = away_facts(connection, rule, chosen, since, moment, _MINUTE)
    else:
        facts = window_facts(connection, rule, chosen, since, moment)
    found = []
    for one in chosen:
        _, happened = evaluate(rule, CLOSED, facts[one.pk])
        points = tuple(_points(rule, facts[one.pk], since))
        found.append(SourcePreview(one.name, one.generated, tuple(_firings(happened)), points))
    return Preview(since, until, True, tuple(found), left_out)


def _firings(happened: Sequence[Occurrence]) -> Iterator[Firing]:
    for number, one in enumerate(happened):
        if one.kind is EventKind.FIRED:
            ended = happened[number + 1].seen.at if number + 1 < len(happened) else None
            yield Firing(one.seen.at, one.seen.value, ended)


def _points(rule: AlertRule, facts: Sequence[Seen], since: datetime) -> Iterator[float | None]:
    furthest: dict[int, float] = {}
    for seen in facts:
        if seen.value is None or not is_enough(rule, seen):
            continue
        step = int((seen.at - since) // STEP)
        known = furthest.get(step)
        if known is None or rule.condition.is_beyond(seen.value, known):
            furthest[step] = seen.value
    for step in range(SPAN // STEP):
        yield furthest.get(step)
