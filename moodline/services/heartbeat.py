"""The heartbeat of a service in the broker, for `moodline status` and the System page."""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Engine

from broker.bus import Bus
from broker.presence import Presence
from broker.reports import LONGEST_REASON, ServiceReport
from contracts.errors import BrokerError, DatabaseError
from contracts.times import utc_now
from records.broker_key import read_broker_key
from records.seen_services import ServiceNotes, ServiceProcess
from runtime.process_identity import claimant_name

_EVERY_S: Final = 2.0
_TTL_S: Final = 10.0


def _running() -> tuple[str, str]:
    return "running", ""


class Heartbeat:
    """Sends heartbeats from its own thread, so that a broker that hangs blocks nothing.

    A context manager. broker_url: returns the URL now, or "" if no broker runs. state: returns
    the service's state and, in trouble, the reason.
    """

    def __init__(
        self,
        service: str,
        engine: Engine,
        broker_url: Callable[[], str],
        state: Callable[[], tuple[str, str]] = _running,
    ) -> None:
        self._service = service
        self._engine = engine
        self._broker_url = broker_url
        self._read_state = state
        self._id = f"{service}:{claimant_name()}"
        self._since = utc_now().isoformat()
        self._state = ""
        self._bus: Bus | None = None
        self._notes = ServiceNotes(
            engine, ServiceProcess(self._id, service, socket.gethostname(), os.getpid())
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(_EVERY_S)

    def _run(self) -> None:
        while True:
            try:
                self._notes.note_running()
                self._send()
            except (BrokerError, DatabaseError):  # The parts that need them report it.
                self._disconnect()
            if self._stop.wait(_EVERY_S):
                break
        if self._bus is not None:
            with suppress(BrokerError):
                Presence(self._bus, ServiceReport).leave(self._id)
        self._disconnect()
        self._notes.note_stopped()

    def _send(self) -> None:
        url = self._broker_url()
        if not url:
            return
        if self._bus is None:
            self._bus = Bus.connect(url, read_broker_key(self._engine))
        state, reason = self._read_state()
        if state != self._state:
            self._state, self._since = state, utc_now().isoformat()
        report = ServiceReport(
            self._id,
            self._service,
            socket.gethostname(),
            os.getpid(),
            state,
            reason[:LONGEST_REASON],
            self._since,
        )
        Presence(self._bus, ServiceReport).send_heartbeat(report, alive_for_s=_TTL_S)

    def _disconnect(self) -> None:
        if self._bus is not None:
            self._bus.close()
            self._bus = None
