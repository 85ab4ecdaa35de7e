"""Closing: the open alerts of a rule end because the rule does, or changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select, update

from contracts.alerts.events import EventKind, Reason
from records.alerts.event_log import NewEvent, write_event
from records.alerts.rule_json import decode_details
from records.tables.alerts import AlertEvent, StoredRule, StoredState


def close_open_alerts(
    connection: Connection,
    rule_pk: int,
    targets: Sequence[int] | None,
    reason: Reason,
    at: datetime,
) -> None:
    """Write a `resolved` event for each open alert of the rule, and note it in its state."""
    muted_until = connection.execute(
        select(StoredRule.muted_until).where(StoredRule.id == rule_pk)
    ).scalar()
    query = (
        select(AlertEvent, StoredState.subject.label("open_subject"))
        .join(StoredState, StoredState.event_pk == AlertEvent.id)
        .where(StoredState.rule_pk == rule_pk)
        .order_by(StoredState.subject)
    )
    for row in connection.execute(query).all():
        details = decode_details(row.details)
        event = NewEvent(
            EventKind.RESOLVED,
            rule_pk,
            row.rule_name,
            row.severity,
            row.subject,
            row.source,
            max(at, row.at),
            at,
            None,
            replace(details, reason=reason, person_s=None, coverage=None),
            opened_by=row.id,
            muted=muted_until is not None and muted_until > at,
        )
        write_event(connection, event, targets)
    connection.execute(
        update(StoredState).where(StoredState.rule_pk == rule_pk).values(event_pk=None)
    )
