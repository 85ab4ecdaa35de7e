"""Services as an orchestrator runs them: started again when they die, with a log each."""

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
from tests.e2e.commands import Installation

_RESTART_S = 0.2
_BEGINNING_S = 15.0
"""A service that began so recently may not have got to where it hears that it is to end."""


@dataclass
class Member:
    """One service, and when it may be started again."""

    arguments: tuple[str, ...]
    env: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    start_at: float = 0.0
    starts: int = 0


@dataclass
class Fleet:
    """A context manager; `keep` starts what has died, as `restart: unless-stopped` does."""

    installation: Installation
    broker: EmbeddedBroker
    folder: Path
    members: dict[str, Member] = field(default_factory=dict)
    broker_starts: int = 0

    def add(self, name: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        """A service under that name."""
        self.members[name] = Member(arguments, env or {})

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.keep()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        living = [one for one in self.members.values() if one.process is not None]
        began = time.monotonic() - _BEGINNING_S
        for process in filter(None, (one.process for one in living)):
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        ends = [(one.process.wait(60), one.start_at > began) for one in living if one.process]
        if error is None:
            bad = [
                end
                for end, beginning in ends
                if end not in {0, -signal.SIGKILL} and not (beginning and end == -signal.SIGTERM)
            ]
            assert not bad, (ends, self.logs())

    def keep(self) -> None:
        """Start whatever is dead."""
        for name, member in self.members.items():
            if member.process is not None and member.process.poll() is not None:
                member.process, member.start_at = None, time.monotonic() + _RESTART_S
            if member.process is None and time.monotonic() >= member.start_at:
                member.process = self._start(name, member)
                member.starts += 1
        if not self.broker.is_alive():
            self.broker.start()
            self.broker_starts += 1

    def kill(self, name: str) -> None:
        """kill -9, of the service alone: its children must see to themselves."""
        process = self.members[name].process
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    def kill_broker(self) -> None:
        """kill -9: every frame that waits is gone."""
        assert self.broker._process is not None
        self.broker._process.kill()
        self.broker._process.wait()

    def logs(self, lines: int = 15) -> str:
        """The ends of all logs, for a failure's message."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-lines:])
            for path in sorted(self.folder.glob("*.log"))
        )

    def _start(self, name: str, member: Member) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "moodline", *member.arguments],
                env=self.installation.environment() | member.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
