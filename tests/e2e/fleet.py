"""Fleet: services that are restarted when they die, as an orchestrator does, each with a log."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from broker.embedded import EmbeddedBroker
from tests.e2e.commands import TIMEOUT_S, Installation

_RESTART_S = 0.2
_STARTUP_S = 60.0
"""A service that started so recently may not handle SIGTERM yet."""


@dataclass
class Service:
    """A service. start_at: the earliest time of its next start, monotonic seconds."""

    arguments: tuple[str, ...]
    env: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    start_at: float = 0.0
    starts: int = 0


@dataclass
class Fleet:
    """A context manager. `restart_dead` works like `restart: unless-stopped` of Compose."""

    installation: Installation
    broker: EmbeddedBroker
    folder: Path
    services: dict[str, Service] = field(default_factory=dict)
    broker_starts: int = 0

    def add(self, name: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        """Add a service."""
        self.services[name] = Service(arguments, env or {})

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.restart_dead()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        running = [one for one in self.services.values() if one.process is not None]
        started_before = time.monotonic() - _STARTUP_S
        for process in filter(None, (one.process for one in running)):
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        ends = [
            (one.process.wait(TIMEOUT_S), one.start_at > started_before)
            for one in running
            if one.process
        ]
        if error is None:
            bad = [
                status
                for status, is_starting in ends
                if status not in {0, -signal.SIGKILL}
                and not (is_starting and status == -signal.SIGTERM)
            ]
            assert not bad, (ends, self.logs())

    def restart_dead(self) -> None:
        """Start the services and the broker that are not running."""
        for name, service in self.services.items():
            if service.process is not None and service.process.poll() is not None:
                service.process, service.start_at = None, time.monotonic() + _RESTART_S
            if service.process is None and time.monotonic() >= service.start_at:
                service.process = self._start(name, service)
                service.starts += 1
        if not self.broker.is_alive():
            self.broker.start()
            self.broker_starts += 1

    def kill(self, name: str) -> None:
        """Send SIGKILL to the service alone. Its children must end by themselves."""
        process = self.services[name].process
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    def kill_broker(self) -> None:
        """Send SIGKILL to the broker. All waiting frames are lost."""
        assert self.broker._process is not None
        self.broker._process.kill()
        self.broker._process.wait()

    def logs(self, lines: int = 15) -> str:
        """The last lines of all logs, for the message of a failure."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-lines:])
            for path in sorted(self.folder.glob("*.log"))
        )

    def _start(self, name: str, service: Service) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "moodline", *service.arguments],
                env=self.installation.environment() | service.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
