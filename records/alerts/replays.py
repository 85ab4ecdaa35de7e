"""Replays: deliveries are queued again, by somebody who asks for it."""

from datetime import datetime

from sqlalchemy import Engine, update

from contracts.alerts.events import DeliveryState
from contracts.times import utc_now
from records.alerts.outbox import replay, replay_ended
from records.alerts.targets import find_target
from records.audit import MOODLINE, write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.tables.alerts import StoredDelivery


def replay_deliveries(
    engine: Engine,
    target: str,
    since: datetime,
    number: int | None = None,
    *,
    actor: str = MOODLINE,
) -> int:
    """Queue again what did not arrive at a target since then; return how many.

    number: only this delivery, even if it arrived. What waits is attempted at once. Raises
    AlertError.
    """
    now = utc_now()
    with transaction(engine) as connection:
        known = find_target(connection, target)
        if number is None:
            count = replay_ended(connection, known.pk, since, now)
            count += connection.execute(
                update(StoredDelivery)
                .where(StoredDelivery.target_pk == known.pk)
                .where(StoredDelivery.state == DeliveryState.WAITING, StoredDelivery.next_at > now)
                .values(next_at=now)
            ).rowcount
        else:
            replay(connection, known.pk, number, now)
            count = 1
        details = {"target": target, "deliveries": count}
        write_audit_entry(connection, actor, Action.DELIVERY_REPLAYED, details)
    return count
