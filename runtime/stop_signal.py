"""Ctrl-C and SIGTERM, so that neither is lost.

Python drops a KeyboardInterrupt that is raised inside a destructor or a C callback. What runs for
long therefore also asks, each turn, whether one came.
"""

import signal
import threading
from types import FrameType
from typing import Final

_ASKED: Final = threading.Event()


def install_handlers() -> None:
    """SIGINT and SIGTERM raise KeyboardInterrupt, and are remembered. From the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def raise_if_asked() -> None:
    """Raise the KeyboardInterrupt that was asked for and got lost."""
    if _ASKED.is_set():
        _ASKED.clear()
        raise KeyboardInterrupt


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    _ASKED.set()
    raise KeyboardInterrupt
