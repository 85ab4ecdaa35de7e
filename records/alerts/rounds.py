"""Rounds: the states, events and deliveries of one evaluation of a rule, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, select, update

from contracts.alerts.events import EventDetails, EventKind
from records.alerts.event_log import NewEvent, write_event
from records.alerts.rules import KnownRule
from records.database import transaction
from records.tables.alerts import AlertEvent, StoredRule, StoredState
from records.upsert import upsert
from runtime.failpoints import failpoint

CLOCK_SKEW: Final = timedelta(minutes=2)
"""Clocks of hosts may differ by this much."""


@dataclass(frozen=True, slots=True)
class SubjectState:
    """The state of a rule for one subject: see records/tables/alerts.py."""

    event_pk: int | None = None
    breached_since: datetime | None = None
    seen_at: datetime | None = None
    fired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SubjectEvent:
    """An event of a round."""

    kind: EventKind
    at: datetime
    value: float | None
    details: EventDetails


@dataclass(frozen=True, slots=True)
class SubjectResult:
    """The findings of a round about one subject. source: its name, "" for the whole system.

    state: after the round; its event_pk is not used, the events decide it. None: forget it.
    """

    source: str
    state: SubjectState | None
    events: Sequence[SubjectEvent]


def read_states(connection: Connection, rule_pk: int) -> dict[int, SubjectState]:
    """Return the states of a rule by subject."""
    query = select(*StoredState.__table__.c).where(StoredState.rule_pk == rule_pk)
    return {
        row.subject: SubjectState(row.event_pk, row.breached_since, row.seen_at, row.fired_at)
        for row in connection.execute(query)
    }


def forget_future(engine: Engine, now: datetime) -> None:
    """Evaluate rules from now on that were evaluated later than now: the clock was set back."""
    with transaction(engine) as connection:
        set_back = select(StoredRule.id).where(StoredRule.evaluated_until > now + CLOCK_SKEW)
        keys = list(connection.execute(set_back).scalars())
        if not keys:
            return
        connection.execute(
            update(StoredState)
            .where(StoredState.rule_pk.in_(keys))
            .values(breached_since=None, seen_at=None, fired_at=None)
        )
        connection.execute(
            update(StoredRule).where(StoredRule.id.in_(keys)).values(evaluated_until=now)
        )


def store_round(  # noqa: PLR0913, PLR0917
    engine: Engine,
    known: KnownRule,
    until: datetime,
    before: Mapping[int, SubjectState],
    results: Mapping[int, SubjectResult],
    now: datetime,
) -> bool:
    """Store an evaluation up to `until`, unless the rule was evaluated or edited meanwhile.

    known, before: the rule and its states, as they were read in one snapshot. Return whether it was
    stored: all of it, or nothing.
    """
    with transaction(engine) as connection:
        row = connection.execute(
            update(StoredRule)
            .where(
                StoredRule.id == known.pk,
                StoredRule.revision == known.revision,
                StoredRule.evaluated_until == known.evaluated_until,
            )
            .values(evaluated_until=until)
            .returning(StoredRule.muted_until)
        ).first()
        if row is None:
            return False
        muted = row.muted_until is not None and row.muted_until > now
        for subject, result in results.items():
            opened_by = before.get(subject, SubjectState()).event_pk
            for event in result.events:
                opened_by = _write(connection, known, subject, result, event, opened_by, muted, now)
            _write_state(connection, known.pk, subject, result.state, opened_by)
        failpoint("alert-before-commit")
    failpoint("alert-after-commit")
    return True


def _write(  # noqa: PLR0913, PLR0917
    connection: Connection,
    known: KnownRule,
    subject: int,
    result: SubjectResult,
    event: SubjectEvent,
    opened_by: int | None,
    muted: bool,
    now: datetime,
) -> int | None:
    """Write one event, and return the key of the one that is open after it."""
    resolves = event.kind is EventKind.RESOLVED
    source = result.source
    if resolves and not source:  # The rule is no longer about it: the alert has its name.
        name = select(AlertEvent.source).where(AlertEvent.id == opened_by)
        source = connection.execute(name).scalar() or ""
    pk = write_event(
        connection,
        NewEvent(
            event.kind,
            known.pk,
            known.rule.name,
            known.rule.severity,
            subject,
            source,
            event.at,
            now,
            event.value,
            event.details,
            opened_by=opened_by if resolves else None,
            muted=muted,
        ),
        known.keys.targets,
    )
    return None if resolves else pk


def _write_state(
    connection: Connection,
    rule_pk: int,
    subject: int,
    state: SubjectState | None,
    event_pk: int | None,
) -> None:
    if state is None:
        connection.execute(
            delete(StoredState).where(
                StoredState.rule_pk == rule_pk, StoredState.subject == subject
            )
        )
        return
    values = {
        "event_pk": event_pk,
        "breached_since": state.breached_since,
        "seen_at": state.seen_at,
        "fired_at": state.fired_at,
    }
    connection.execute(
        upsert(connection, StoredState)
        .values(rule_pk=rule_pk, subject=subject, **values)
        .on_conflict_do_update(index_elements=["rule_pk", "subject"], set_=values)
    )
