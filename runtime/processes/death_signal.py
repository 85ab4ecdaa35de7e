"""The death signal: the kernel kills a child when its parent dies."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def death_signal() -> Callable[[], None] | None:
    """Return a function that a new child calls first, to get SIGKILL when its parent dies.

    Call it before the fork, in the thread that forks: the child dies with that thread. None where
    the kernel is not Linux: children there notice it by their closed pipes and the lost broker.
    """
    if sys.platform != "linux":
        return None
    parent, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)

    def request_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # The parent died before the request.
            os._exit(1)

    return request_signal
