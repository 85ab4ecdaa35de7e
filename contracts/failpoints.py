"""Named places where tests make a process die, as a power cut would."""

import os
import signal
from typing import Final

FAILPOINTS: Final = ("after-publish", "before-commit", "before-ack", "analysing")
_armed: dict[str, int] = {}


def arm(specification: str) -> None:
    """Arm "name:n": the process kills itself when it passes that failpoint the n-th time."""
    name, _, count = specification.partition(":")
    if name not in FAILPOINTS:
        raise ValueError(f"no failpoint {name!r}; there are {', '.join(FAILPOINTS)}")
    _armed[name] = int(count or 1)


def failpoint(name: str) -> None:
    """Die here if armed. Costs one dictionary look-up otherwise."""
    if name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
