"""Failpoints: named places where tests make a process die or freeze."""

import signal
import threading
from typing import Final

FAILPOINTS: Final = (
    *("after-publish", "analysing", "before-commit", "before-ack", "handover"),
    *("roll-up", "alert-decided", "alert-before-commit", "alert-after-commit", "alert-sent"),
)
_ACTIONS: Final = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}
_armed: dict[str, tuple[int, signal.Signals]] = {}


def arm(specification: str) -> None:
    """Arm the failpoint "NAME:N" or "NAME:N:ACTION": act when the process passes it the Nth time.

    ACTION is "kill" (the default) or "freeze". Raises ValueError for an unknown name or action.
    """
    name, _, rest = specification.partition(":")
    count, _, action = rest.partition(":")
    if name not in FAILPOINTS:
        raise ValueError(f"unknown failpoint {name!r} (use {', '.join(FAILPOINTS)})")
    if action not in ("", *_ACTIONS):
        raise ValueError(f"unknown failpoint action {action!r} (use {', '.join(_ACTIONS)})")
    _armed[name] = int(count or 1), _ACTIONS[action or "kill"]


def failpoint(name: str) -> None:
    """Die or freeze here if armed; otherwise this costs one dictionary look-up."""
    if name not in _armed:
        return
    left, action = _armed.pop(name)
    if left > 1:
        _armed[name] = left - 1, action
        return
    # To this thread: it would go on a little if another one had to take the signal first.
    signal.pthread_kill(threading.get_ident(), action)
