"""Tells in the broker that a service lives, and how it is, for those who look at the whole."""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from broker.bus import Bus
from broker.presence import Presence, ServiceReport
from contracts.errors import BrokerError
from contracts.times import utc_now
from runtime.process_identity import claimant_name

_EVERY_S: Final = 2.0
_ALIVE_S: Final = 10.0


def _well() -> tuple[str, str]:
    return "running", ""


class Heartbeat:
    """A context manager with a thread of its own: a broker that hangs holds up nobody.

    broker_url: where it is now, "" for nowhere. look: the service's state and, in trouble, why.
    """

    def __init__(
        self,
        service: str,
        broker_url: Callable[[], str],
        look: Callable[[], tuple[str, str]] = _well,
    ) -> None:
        self._service = service
        self._broker_url = broker_url
        self._look = look
        self._id = f"{service}:{claimant_name()}"
        self._since = utc_now().isoformat()
        self._state = ""
        self._bus: Bus | None = None
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
                self._tell()
            except BrokerError:  # Those who need the broker say so.
                self._disconnect()
            if self._stop.wait(_EVERY_S):
                break
        if self._bus is not None:
            with suppress(BrokerError):
                Presence(self._bus, ServiceReport).leave(self._id)
        self._disconnect()

    def _tell(self) -> None:
        url = self._broker_url()
        if not url:
            return
        if self._bus is None:
            self._bus = Bus.connect(url)
        state, reason = self._look()
        if state != self._state:
            self._state, self._since = state, utc_now().isoformat()
        report = ServiceReport(
            self._id,
            self._service,
            socket.gethostname(),
            os.getpid(),
            state,
            reason,
            self._since,
        )
        Presence(self._bus, ServiceReport).report(report, alive_for_s=_ALIVE_S)

    def _disconnect(self) -> None:
        if self._bus is not None:
            self._bus.close()
            self._bus = None
