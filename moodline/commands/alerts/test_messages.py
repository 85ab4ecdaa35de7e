"""Test messages: sent from this process, also where no scheduler runs."""

import time
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine

from analytics.snapshots import snapshot
from contracts.alerts.events import DeliveryState
from contracts.errors import AlertError
from contracts.settings import Settings
from moodline.commands.session import current_actor
from moodline.delivery.deliverer import Deliverer
from moodline.delivery.senders import sender
from moodline.terminal.output import print_line
from records.alerts.events import KnownDelivery, list_deliveries
from records.alerts.targets import queue_test
from records.sources.sealing import Sealer
from runtime.process_identity import claimant_name

_WAIT_S: Final = 40.0
_PAUSE_S: Final = 0.2


def send_tests(settings: Settings, engine: Engine, targets: Sequence[str]) -> None:
    """Send a test to each target and print how it answered. Raises AlertError if one did not."""
    sealer = Sealer(settings.secret_key, settings.home_path)
    deliverer = Deliverer(engine, sealer, sender(settings), claimant_name())
    failed = []
    for name in targets:
        event_pk = queue_test(engine, name, actor=current_actor())
        deliverer.run()
        found = _answer(engine, event_pk)
        if found.state is DeliveryState.DELIVERED:
            print_line(f"{name}: delivered ({found.result}).")
        else:
            reason = found.result or "older messages wait before it"
            failed.append(f"{name}: {reason}")
    if failed:
        raise AlertError(
            "to", "; ".join(failed), "`moodline alert target deliveries` shows every attempt"
        )


def _answer(engine: Engine, event_pk: int) -> KnownDelivery:
    """Return the delivery once it was attempted; a scheduler may be the one who does it."""
    until = time.monotonic() + _WAIT_S
    while True:
        with snapshot(engine) as connection:
            (found,) = list_deliveries(connection, event_pk=event_pk)
            (target, *_) = list_deliveries(connection, target=found.target, limit=1)
        is_first = found.pk == target.pk
        if found.attempts or not is_first or time.monotonic() > until:
            return found
        time.sleep(_PAUSE_S)
