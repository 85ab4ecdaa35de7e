"""The side services of `moodline up`: the scheduler and the dashboard, each in its own process."""

import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from runtime.processes.supervisor import RestartPolicy, Supervisor


class SideServices:
    """Runs moodline commands as long as this process lives; a context manager.

    commands: arguments of `moodline` by service name. A service that ends is restarted with
    back-off. Call `step` from the main thread.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], env: Mapping[str, str]) -> None:
        self._supervisor = Supervisor(
            "service",
            {
                name: [sys.executable, "-m", "moodline", *arguments]
                for name, arguments in commands.items()
            },
            RestartPolicy(),
            env=env,
        )

    def __enter__(self) -> Self:
        self.step()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._supervisor.stop()

    def step(self) -> None:
        """Restart the services that have ended and are due; return at once."""
        self._supervisor.step()
