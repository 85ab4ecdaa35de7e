"""Deliverer: works off the outbox, each target in its order and beside the others.

A message is recorded as delivered after it was sent: a kill in between sends it again, with the
same id.
"""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection, Engine

from analytics.snapshots import snapshot
from contracts.errors import AlertError
from contracts.times import utc_now
from moodline.delivery.messages import message_of
from moodline.delivery.retries import Outcome, result_of
from moodline.delivery.senders import Send
from records.alerts.events import find_event
from records.alerts.outbox import (
    DueDelivery,
    claim_target,
    due_targets,
    next_delivery,
    record_attempt,
    release_target,
)
from records.alerts.targets import disable_target, open_target
from records.database import transaction
from records.sources.sealing import Sealer
from runtime.failpoints import failpoint

log = structlog.get_logger()

_LEASE: Final = timedelta(minutes=2)
"""Longer than any attempt."""
_BUDGET_S: Final = 50.0
_SIDE_BY_SIDE: Final = 4


@dataclass(slots=True)
class Delivered:
    """The result of a cycle: messages that arrived, and attempts that failed."""

    sent: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Delivers what is due. holder: this process, as it claims targets."""

    engine: Engine
    sealer: Sealer
    send: Send
    holder: str
    now: Callable[[], datetime] = utc_now
    chance: random.Random = field(default_factory=random.Random)
    budget_s: float = _BUDGET_S

    def run(self) -> Delivered:
        """Deliver what is due now, for at most about a minute. Raises DatabaseError."""
        with snapshot(self.engine) as connection:
            due = due_targets(connection, self.now())
        if not due:
            return Delivered()
        done = Delivered()
        with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(due))) as pool:
            for one in pool.map(self._deliver_to, due):
                done.sent += one.sent
                done.failed += one.failed
        return done

    def _deliver_to(self, target_pk: int) -> Delivered:
        """Deliver to one target until nothing is due, or the time is over."""
        done = Delivered()
        claimed = claim_target(
            self.engine, target_pk, holder=self.holder, now=self.now(), lease=_LEASE
        )
        if not claimed:
            return done
        until = time.monotonic() + self.budget_s
        try:
            while time.monotonic() < until and self._deliver_next(target_pk, done):
                pass
        finally:
            release_target(self.engine, target_pk, holder=self.holder)
        return done

    def _deliver_next(self, target_pk: int, done: Delivered) -> bool:
        """Attempt the oldest delivery, if it is due; return whether the next one may be."""
        with snapshot(self.engine) as connection:
            delivery = next_delivery(connection, target_pk)
            if delivery is None or delivery.next_at > self.now():
                return False
            prepared = self._prepared(connection, target_pk, delivery)
        if prepared is None:  # The target was removed meanwhile.
            return False
        outcome = prepared()
        failpoint("alert-sent")
        now = self.now()
        result = result_of(outcome, delivery.attempts + 1, delivery.created_at, now, self.chance)
        kept = record_attempt(
            self.engine, target_pk, delivery, result, holder=self.holder, now=now, lease=_LEASE
        )
        if outcome.gone:
            with transaction(self.engine) as connection:
                disable_target(connection, target_pk, outcome.text, now=now)
        done.sent += outcome.ok
        done.failed += not outcome.ok
        if not outcome.ok and not delivery.attempts:
            log.info("alert not delivered", target=target_pk, reason=outcome.text)
        return kept and not outcome.gone and result.next_at is None

    def _prepared(
        self, connection: Connection, target_pk: int, delivery: DueDelivery
    ) -> Callable[[], Outcome] | None:
        """Return the attempt, with all that it needs of the records; None without a target."""
        event = find_event(connection, delivery.event_pk)
        assert event is not None  # Deliveries are deleted with their event.
        opener = find_event(connection, event.opened_by) if event.opened_by else None
        message = message_of(event, (opener or event).message_id)
        try:
            target = open_target(connection, self.sealer, target_pk)
        except AlertError as exc:
            text = exc.line()
            return lambda: Outcome(False, text)
        return None if target is None else lambda: self.send(target, message, self.now())
