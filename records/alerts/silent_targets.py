"""Silent targets: those that get no alerts, though somebody wants them to."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select

from contracts.alerts.events import DeliveryState
from records.tables.alerts import StoredDelivery, StoredTarget

BY_HAND: Final = "by "
"""The begin of the reason of a target that somebody disabled."""


def silent_targets(connection: Connection) -> list[tuple[str, datetime, str]]:
    """Return the targets that get no alerts: their names, since when, and why.

    They failed more than once, or were disabled because the receiver refused them.
    """
    disabled = connection.execute(
        select(StoredTarget.name, StoredTarget.disabled_at, StoredTarget.disabled_reason)
        .where(StoredTarget.disabled_at.is_not(None))
        .where(~StoredTarget.disabled_reason.startswith(BY_HAND))
    )
    oldest = (
        select(func.min(StoredDelivery.id).label("id"))
        .where(StoredDelivery.state == DeliveryState.WAITING)
        .group_by(StoredDelivery.target_pk)
        .subquery()
    )
    failing = connection.execute(
        select(StoredTarget.name, StoredDelivery.created_at, StoredDelivery.result)
        .join(oldest, oldest.c.id == StoredDelivery.id)
        .join(StoredTarget, StoredTarget.id == StoredDelivery.target_pk)
        .where(StoredDelivery.attempts > 1, StoredTarget.disabled_at.is_(None))
    )
    return sorted((row[0], row[1], row[2]) for row in (*disabled, *failing))
