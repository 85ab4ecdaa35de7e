"""Writing events: the event, and with it in the same transaction its deliveries."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from contracts.alerts.events import EventDetails, EventKind
from records.alerts.outbox import queue_deliveries
from records.alerts.rule_json import encode_details
from records.tables.alerts import AlertEvent


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to write: see records/tables/alerts.py. opened_by: the event that it resolves."""

    kind: EventKind
    rule_pk: int
    rule_name: str
    severity: str
    subject: int
    source: str
    at: datetime
    recorded_at: datetime
    value: float | None
    details: EventDetails
    opened_by: int | None = None
    muted: bool = False


def write_event(connection: Connection, event: NewEvent, targets: Sequence[int] | None) -> int:
    """Write an event and queue it for the targets; return its key.

    targets: keys; None: all. A muted event is not queued, nor is the end of one that was muted. An
    event that resolves another one marks it as resolved.
    """
    opened_by, muted, at = event.opened_by, event.muted, _free_moment(connection, event)
    if opened_by is not None:
        was_muted = select(AlertEvent.muted).where(AlertEvent.id == opened_by)
        muted = muted or bool(connection.execute(was_muted).scalar())
        connection.execute(
            update(AlertEvent).where(AlertEvent.id == opened_by).values(resolved_at=at)
        )
    pk: int = connection.execute(
        insert(AlertEvent)
        .values(
            message_id=f"msg_{secrets.token_hex(16)}",
            kind=event.kind,
            rule_pk=event.rule_pk,
            rule_name=event.rule_name,
            severity=event.severity,
            subject=event.subject,
            source=event.source,
            at=at,
            recorded_at=event.recorded_at,
            value=event.value,
            details=encode_details(event.details),
            opened_by=opened_by,
            acknowledged_by="",
            muted=muted,
        )
        .returning(AlertEvent.id)
    ).scalar_one()
    if not muted:
        queue_deliveries(connection, pk, targets, event.recorded_at)
    return pk


def _free_moment(connection: Connection, event: NewEvent) -> datetime:
    """Return the event's moment, or one right after it: a clock that was set back repeats some."""
    at = event.at
    while (
        connection.execute(
            select(AlertEvent.id).where(
                AlertEvent.rule_pk == event.rule_pk,
                AlertEvent.subject == event.subject,
                AlertEvent.kind == event.kind,
                AlertEvent.at == at,
            )
        ).first()
        is not None
    ):
        at += timedelta(microseconds=1)
    return at
