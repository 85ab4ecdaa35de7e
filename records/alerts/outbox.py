"""The outbox: events that are to be delivered, in order for each target.

Only the oldest waiting delivery of a target is attempted, by the process that has claimed the
target; so each target gets its events in their order, and at least once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from contracts.alerts.events import DeliveryState
from contracts.errors import AlertNotFoundError
from records.database import transaction
from records.tables.alerts import AlertEvent, StoredDelivery, StoredTarget
from runtime.process_identity import claim_is_alive

MAX_WAITING: Final = 20_000
"""Deliveries that wait for one target; of more, the oldest are dropped."""
_QUEUED: Final[dict[str, object]] = {
    "state": DeliveryState.WAITING,
    "attempts": 0,
    "ended_at": None,
    "result": "",
}


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """The oldest waiting delivery of a target, and the event that it is about."""

    pk: int
    event_pk: int
    message_id: str
    attempts: int
    next_at: datetime
    created_at: datetime


def queue_deliveries(
    connection: Connection, event_pk: int, targets: Sequence[int] | None, now: datetime
) -> None:
    """Queue an event for these targets, or all; those that are disabled get nothing."""
    query = select(StoredTarget.id).where(StoredTarget.disabled_at.is_(None))
    if targets is not None:
        query = query.where(StoredTarget.id.in_(targets))
    for target_pk in connection.execute(query.order_by(StoredTarget.id)).scalars().all():
        connection.execute(
            insert(StoredDelivery).values(
                target_pk=target_pk,
                event_pk=event_pk,
                state=DeliveryState.WAITING,
                attempts=0,
                next_at=now,
                created_at=now,
                result="",
            )
        )
        _drop_oldest(connection, target_pk, now)


def due_targets(connection: Connection, now: datetime) -> list[int]:
    """Return the targets whose oldest waiting delivery is due."""
    oldest = (
        select(func.min(StoredDelivery.id).label("id"))
        .where(StoredDelivery.state == DeliveryState.WAITING)
        .group_by(StoredDelivery.target_pk)
        .subquery()
    )
    query = (
        select(StoredDelivery.target_pk)
        .join(oldest, oldest.c.id == StoredDelivery.id)
        .join(StoredTarget, StoredTarget.id == StoredDelivery.target_pk)
        .where(StoredDelivery.next_at <= now, StoredTarget.disabled_at.is_(None))
        .order_by(StoredDelivery.id)
    )
    return list(connection.execute(query).scalars())


def claim_target(
    engine: Engine, target_pk: int, *, holder: str, now: datetime, lease: timedelta
) -> bool:
    """Claim a target for deliveries; return whether no other, living process has it."""
    with transaction(engine) as connection:
        found = connection.execute(
            select(StoredTarget.holder, StoredTarget.held_until)
            .where(StoredTarget.id == target_pk)
            .with_for_update()
        ).first()
        if found is None:
            return False
        if (
            found.holder is not None
            and found.holder != holder
            and claim_is_alive(found.holder, found.held_until)
        ):
            return False
        connection.execute(
            update(StoredTarget)
            .where(StoredTarget.id == target_pk)
            .values(holder=holder, held_until=now + lease)
        )
        return True


def release_target(engine: Engine, target_pk: int, *, holder: str) -> None:
    """Give the claim up."""
    with transaction(engine) as connection:
        connection.execute(
            update(StoredTarget)
            .where(StoredTarget.id == target_pk, StoredTarget.holder == holder)
            .values(holder=None, held_until=None)
        )


def next_delivery(connection: Connection, target_pk: int) -> DueDelivery | None:
    """Return the oldest waiting delivery of a target; None if none waits, or it is disabled."""
    row = connection.execute(
        select(
            StoredDelivery.id,
            StoredDelivery.event_pk,
            AlertEvent.message_id,
            StoredDelivery.attempts,
            StoredDelivery.next_at,
            StoredDelivery.created_at,
        )
        .join(AlertEvent, AlertEvent.id == StoredDelivery.event_pk)
        .join(StoredTarget, StoredTarget.id == StoredDelivery.target_pk)
        .where(StoredDelivery.target_pk == target_pk)
        .where(StoredDelivery.state == DeliveryState.WAITING, StoredTarget.disabled_at.is_(None))
        .order_by(StoredDelivery.id)
        .limit(1)
    ).first()
    return None if row is None else DueDelivery(*row)


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended. next_at: when to try again; None: never."""

    state: DeliveryState
    text: str
    next_at: datetime | None = None


def record_attempt(  # noqa: PLR0913
    engine: Engine,
    target_pk: int,
    delivery: DueDelivery,
    result: AttemptResult,
    *,
    holder: str,
    now: datetime,
    lease: timedelta,
) -> bool:
    """Store how an attempt ended and renew the claim; return whether the claim still held."""
    with transaction(engine) as connection:
        kept = connection.execute(
            update(StoredTarget)
            .where(StoredTarget.id == target_pk, StoredTarget.holder == holder)
            .values(held_until=now + lease)
        ).rowcount
        if not kept:
            return False
        values: dict[str, object] = {
            "attempts": delivery.attempts + 1,
            "state": result.state,
            "result": result.text[:500],
        }
        if result.next_at is not None:
            values["next_at"] = result.next_at
        else:
            values["ended_at"] = now
        connection.execute(
            update(StoredDelivery).where(StoredDelivery.id == delivery.pk).values(values)
        )
        return True


def remove_old_deliveries(connection: Connection, before: datetime) -> int:
    """Delete the deliveries that ended before then; return their number."""
    return connection.execute(
        delete(StoredDelivery).where(StoredDelivery.ended_at < before)
    ).rowcount


def replay(connection: Connection, target_pk: int, delivery_pk: int, now: datetime) -> None:
    """Queue a delivery again that has ended; the receiver gets it with the same id.

    Raises AlertError if there is none, or it waits still.
    """
    changed = connection.execute(
        update(StoredDelivery)
        .where(StoredDelivery.id == delivery_pk, StoredDelivery.target_pk == target_pk)
        .where(StoredDelivery.state != DeliveryState.WAITING)
        .values(_QUEUED | {"next_at": now, "created_at": now})
    ).rowcount
    if not changed:
        raise AlertNotFoundError(
            "delivery",
            f"there is no delivery {delivery_pk} that has ended",
            "`moodline alert target deliveries` lists them",
        )


def replay_ended(connection: Connection, target_pk: int, since: datetime, now: datetime) -> int:
    """Queue again what was not delivered to a target since then; return how many."""
    lost = (DeliveryState.FAILED, DeliveryState.DROPPED)
    return connection.execute(
        update(StoredDelivery)
        .where(StoredDelivery.target_pk == target_pk, StoredDelivery.state.in_(lost))
        .where(StoredDelivery.created_at >= since)
        .values(_QUEUED | {"next_at": now, "created_at": now})
    ).rowcount


def drop_waiting(connection: Connection, target_pk: int, reason: str, now: datetime) -> None:
    """Drop all that waits for a target."""
    connection.execute(
        update(StoredDelivery)
        .where(StoredDelivery.target_pk == target_pk)
        .where(StoredDelivery.state == DeliveryState.WAITING)
        .values(state=DeliveryState.DROPPED, ended_at=now, result=reason)
    )


def _drop_oldest(connection: Connection, target_pk: int, now: datetime) -> None:
    waiting = (
        StoredDelivery.target_pk == target_pk,
        StoredDelivery.state == DeliveryState.WAITING,
    )
    first_kept = connection.execute(
        select(StoredDelivery.id)
        .where(*waiting)
        .order_by(StoredDelivery.id.desc())
        .offset(MAX_WAITING - 1)
        .limit(1)
    ).scalar()
    if first_kept is not None:
        connection.execute(
            update(StoredDelivery)
            .where(*waiting, StoredDelivery.id < first_kept)
            .values(state=DeliveryState.DROPPED, ended_at=now, result="the queue was full")
        )
