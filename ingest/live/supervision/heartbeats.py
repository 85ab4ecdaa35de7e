"""The heartbeats of the live sources in the broker, and the supervisor's connection to it."""

import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from sqlalchemy import Engine

from broker.bus import Bus
from broker.presence import Presence
from broker.reports import LONGEST_REASON, SourceReport
from contracts.errors import BrokerError
from ingest.live.supervision.status_reports import SourceStatus
from records.broker_key import read_broker_key

_TTL_S: Final = 5.0


class SourceHeartbeats:
    """Sends heartbeats, which expire when this process dies. Connects when first needed."""

    def __init__(self, broker_url: str, engine: Engine) -> None:
        self._broker_url = broker_url
        self._engine = engine
        self._host = socket.gethostname()
        self._bus: Bus | None = None

    def bus(self) -> Bus:
        """Return the connection to the broker. Raises BrokerError and DatabaseError."""
        if self._bus is None:
            self._bus = Bus.connect(self._broker_url, read_broker_key(self._engine))
        return self._bus

    def send(self, statuses: Iterable[SourceStatus]) -> None:
        """Send a heartbeat for each source. Raises BrokerError and DatabaseError.

        It connects again after a BrokerError.
        """
        try:
            presence = Presence(self.bus(), SourceReport)
            for status in statuses:
                presence.send_heartbeat(self._report(status), alive_for_s=_TTL_S)
        except BrokerError:
            self.close()
            raise

    def remove(self, sources: Iterable[str]) -> None:
        """Remove the sources' heartbeats; without a connection they expire by themselves."""
        if self._bus is None:
            return
        with suppress(BrokerError):
            presence = Presence(self._bus, SourceReport)
            for source in sources:
                presence.leave(source)

    def close(self) -> None:
        """Close the connection."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def _report(self, status: SourceStatus) -> SourceReport:
        return SourceReport(
            id=status.source,
            state=str(status.state),
            reason=status.reason[:LONGEST_REASON],
            since=status.since.isoformat(),
            host=self._host,
            run_id=status.run_id,
            fps=status.fps,
            last_frame_age_s=status.last_frame_age_s,
        )
