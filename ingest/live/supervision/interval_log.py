"""The interval log: which state each source was in and when, kept until the database has it."""

from collections import deque
from datetime import UTC
from typing import Final

from sqlalchemy import Engine

from contracts.times import utc_now
from ingest.live.supervision.supervised_source import SupervisedSource
from records.sources.intervals import StateInterval, write_intervals

_MAX_UNWRITTEN: Final = 10_000


class IntervalLog:
    """Collects state intervals; drops the oldest if the database stays away too long."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._unwritten: deque[StateInterval] = deque(maxlen=_MAX_UNWRITTEN)

    def note(self, one: SupervisedSource) -> None:
        """Add the interval from the source's latest change of state until now."""
        since = one.status.since.astimezone(UTC)
        until = max(utc_now(), since)
        self._unwritten.append(
            StateInterval(one.source.pk, one.status.state, one.status.reason, since, until)
        )

    def write(self) -> None:
        """Write the collected intervals. Raises DatabaseError, and then keeps them."""
        if self._unwritten:
            write_intervals(self._engine, list(self._unwritten))
            self._unwritten.clear()
