"""The services of `moodline up` beside the pipeline: each a process that is kept alive."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import structlog

from runtime.backoff import Backoff
from runtime.children import start_child, stop_child

log = structlog.get_logger()

_WELL_S: Final = 30.0


@dataclass(slots=True)
class _Companion:
    arguments: Sequence[str]
    process: "subprocess.Popen[str] | None" = None
    backoff: Backoff = field(default_factory=Backoff)
    start_at: float = 0.0
    started_at: float = 0.0


class Companions:
    """Commands of moodline that run as long as this does; a context manager.

    One that ends is started again, after growing pauses. Call `step` from the main thread.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], env: Mapping[str, str]) -> None:
        self._env = env
        self._companions = {name: _Companion(words) for name, words in commands.items()}

    def __enter__(self) -> Self:
        self.step()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        running = [one.process for one in self._companions.values() if one.process is not None]
        for process in running:
            process.terminate()  # All at once: they end side by side.
        for process in running:
            stop_child(process)

    def step(self) -> None:
        """Start those that do not run and are due."""
        now = time.monotonic()
        for name, one in self._companions.items():
            if one.process is not None and one.process.poll() is not None:
                if now - one.started_at > _WELL_S:
                    one.backoff.reset()
                pause_s = one.backoff.next_pause_s()
                log.warning(
                    "service ended", service=name, status=one.process.returncode, retry_in_s=pause_s
                )
                one.process, one.start_at = None, now + pause_s
            if one.process is None and now >= one.start_at:
                one.process = start_child(
                    [sys.executable, "-m", "moodline", *one.arguments], env=self._env, log=None
                )
                one.started_at = now
