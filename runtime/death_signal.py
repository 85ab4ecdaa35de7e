"""Children that do not outlive their parent, however it ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def death_signal() -> Callable[[], None] | None:
    """What a new child is to do first: ask the kernel for SIGKILL at its parent's death (Linux).

    Call it before the fork. None elsewhere: there, children notice a dead parent by their closed
    pipes and their lost broker.
    """
    if sys.platform != "linux":
        return None
    parent, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # It died before the kernel knew.
            os._exit(1)

    return ask
