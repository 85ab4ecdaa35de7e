"""Named places where tests make a process die, or freeze, as a power cut or a debugger would."""

import os
import signal
from typing import Final

FAILPOINTS: Final = (
    *("after-publish", "analysing", "before-commit", "before-ack", "handover"),
    "folding",
)
_ACTIONS: Final = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}
_armed: dict[str, tuple[int, signal.Signals]] = {}


def arm(specification: str) -> None:
    """Arm "name:n" or "name:n:freeze": what happens when the process passes there the n-th time.

    Raises ValueError for a name or an action that does not exist.
    """
    name, _, rest = specification.partition(":")
    count, _, action = rest.partition(":")
    if name not in FAILPOINTS:
        raise ValueError(f"no failpoint {name!r}; there are {', '.join(FAILPOINTS)}")
    if action not in ("", *_ACTIONS):
        raise ValueError(f"a failpoint can {' or '.join(_ACTIONS)}, not {action!r}")
    _armed[name] = int(count or 1), _ACTIONS[action or "kill"]


def failpoint(name: str) -> None:
    """Die or freeze here if armed. Costs one dictionary look-up otherwise."""
    if name not in _armed:
        return
    left, action = _armed.pop(name)
    if left > 1:
        _armed[name] = left - 1, action
        return
    os.kill(os.getpid(), action)
