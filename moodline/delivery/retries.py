"""Retries: when a delivery is attempted again, and when it is given up. Pure."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contracts.alerts.events import DeliveryState
from records.alerts.outbox import AttemptResult

_FIRST_PAUSES_S: Final = (5.0, 300.0, 1800.0)
"""As the Standard Webhooks specification has them. Its later pauses grow to a day, in which newer
alerts would wait; here the last one repeats."""
_LONGEST_S: Final = 6 * 3600
_JITTER: Final = 0.2
GIVE_UP_AFTER: Final = timedelta(days=3)
MAX_REFUSALS: Final = 5
"""Attempts after which a message that the receiver cannot accept makes room for the next one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, in one line. ok: the message has arrived.

    refused: the receiver cannot accept this message, such as with HTTP status 400. gone: it wants
    no more messages. retry_after_s: when it wants the next attempt; None: it did not say.
    """

    ok: bool
    text: str
    refused: bool = False
    gone: bool = False
    retry_after_s: float | None = None


def result_of(
    outcome: Outcome,
    attempts: int,
    queued_at: datetime,
    now: datetime,
    chance: random.Random,
) -> AttemptResult:
    """Return what becomes of a delivery after its `attempts`-th attempt."""
    if outcome.ok:
        return AttemptResult(DeliveryState.DELIVERED, outcome.text)
    if outcome.gone:
        return AttemptResult(DeliveryState.DROPPED, outcome.text)
    if (outcome.refused and attempts >= MAX_REFUSALS) or now - queued_at >= GIVE_UP_AFTER:
        return AttemptResult(DeliveryState.FAILED, outcome.text)
    pause_s = _FIRST_PAUSES_S[min(attempts, len(_FIRST_PAUSES_S)) - 1]
    pause_s *= chance.uniform(1 - _JITTER, 1 + _JITTER)
    if outcome.retry_after_s is not None:
        pause_s = max(pause_s, min(outcome.retry_after_s, _LONGEST_S))
    return AttemptResult(DeliveryState.WAITING, outcome.text, now + timedelta(seconds=pause_s))
