"""The supervisor: keeps child processes running, under one restart policy."""

import math
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from runtime.backoff import Backoff
from runtime.processes.children import StartChild, start_child, stop_children

log = structlog.get_logger()

_RAN_WELL_S: Final = 30.0
"""A process that ran longer than this had started well."""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When a process that has ended is started again, and when the supervisor gives up.

    backs_off: wait before a restart, longer after each crash; a process that ran for 30 s counts
    as new. min_interval_s: shortest time between two starts. max_crashes: crashes without progress
    after which nothing is restarted; None: no limit.
    """

    backs_off: bool = True
    min_interval_s: float = 0.0
    max_crashes: int | None = None


class RestartTimer:
    """Applies a restart policy to one process, on the monotonic clock."""

    def __init__(self, policy: RestartPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._backoff = Backoff()
        self._due_s = self._started_s = -math.inf

    @property
    def is_due(self) -> bool:
        """Whether the process may be started now."""
        return self._clock() >= self._due_s

    def note_start(self) -> None:
        """The process was started."""
        self._started_s = self._clock()
        self._due_s = self._started_s + self._policy.min_interval_s

    def note_end(self, *, least_pause_s: float = 0.0) -> float:
        """The process ended. Return the pause before its restart: `least_pause_s` or longer."""
        now_s = self._clock()
        if now_s - self._started_s > _RAN_WELL_S:
            self._backoff.reset()
        pause_s = self._backoff.next_pause_s() if self._policy.backs_off else 0.0
        self._due_s = max(self._due_s, now_s + max(pause_s, least_pause_s))
        return self._due_s - now_s

    def note_failed_start(self) -> float:
        """The process could not be started. Return the pause before the next attempt."""
        self.note_start()
        return self.note_end()

    def reset(self) -> None:
        """Forget the crashes: the process may be started now."""
        self._backoff.reset()
        self._due_s = -math.inf


@dataclass(slots=True)
class _Supervised:
    arguments: Sequence[str | Path]
    timer: RestartTimer
    process: "subprocess.Popen[bytes] | None" = field(default=None)


class Supervisor:
    """Keeps one process for each command running. Call it from the main thread only.

    kind: the kind of process, for the log, as "worker". commands: arguments by process name.
    log: file for the standard error of the processes; None: that of this process. start: starts a
    process; None: `start_child`.
    """

    def __init__(  # noqa: PLR0913  (the settings of the processes)
        self,
        kind: str,
        commands: Mapping[str, Sequence[str | Path]],
        policy: RestartPolicy,
        *,
        env: Mapping[str, str],
        log: Path | None = None,
        start: StartChild | None = None,
    ) -> None:
        self._kind = kind
        self._start = start
        self._policy = policy
        self._env = env
        self._log = log
        self._crashes = 0
        self._supervised = {
            name: _Supervised(arguments, RestartTimer(policy))
            for name, arguments in commands.items()
        }

    @property
    def gave_up(self) -> bool:
        """Whether the processes crashed more often than the policy allows."""
        limit = self._policy.max_crashes
        return limit is not None and self._crashes > limit

    def note_progress(self) -> None:
        """The processes did useful work: earlier crashes no longer count."""
        self._crashes = 0

    def step(self) -> None:
        """Start the processes that are not running and are due; return at once."""
        for name, one in self._supervised.items():
            if one.process is not None and one.process.poll() is not None:
                self._note_crash(name, one, one.process.returncode)
        if self.gave_up:
            return
        for one in self._supervised.values():
            if one.process is None and one.timer.is_due:
                start = self._start or start_child
                one.process = start(one.arguments, env=self._env, log=self._log)
                one.timer.note_start()

    def stop(self) -> None:
        """Stop all processes side by side."""
        stop_children(one.process for one in self._supervised.values() if one.process is not None)

    def _note_crash(self, name: str, one: _Supervised, status: int) -> None:
        self._crashes += 1
        one.process = None
        pause_s = one.timer.note_end()
        log.warning(
            f"{self._kind} ended",
            **{self._kind: name, "status": status, "retry_in_s": round(pause_s, 1)},
        )
