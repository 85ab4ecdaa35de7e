"""SIGTERM and Ctrl-C: as a flag for child processes and services, as an exception for commands."""

import os
import select
import signal
from types import FrameType


class StopSignal:
    """A flag that SIGTERM sets. Create it in the main thread; it replaces the signal handlers.

    interrupt: whether Ctrl-C sets it too. A child ignores Ctrl-C, because its parent handles it
    and then stops its children in order.
    """

    def __init__(self, *, interrupt: bool = False) -> None:
        self._is_set = False
        # A pipe wakes `wait` up. A threading.Event would not do: its lock is not reentrant, and
        # the handler may run while the main thread holds it.
        self._wake_read, self._wake_write = os.pipe()
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, self._handle if interrupt else signal.SIG_IGN)

    def is_set(self) -> bool:
        """Return whether the process was asked to stop."""
        return self._is_set

    def set(self) -> None:
        """Stop as if the signal had come."""
        if not self._is_set:
            self._is_set = True
            os.write(self._wake_write, b"\0")

    def wait(self, timeout_s: float) -> bool:
        """Wait for the signal, `timeout_s` at most; return whether it is set. Any thread may."""
        if not self._is_set:
            select.select([self._wake_read], [], [], timeout_s)
        return self._is_set

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        self.set()


_pending: list[int] = []
"""Signals that raised KeyboardInterrupt, until `raise_pending_interrupt` has seen them."""


def raise_on_stop_signals() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt. Call it from the main thread.

    Python drops an exception that is raised inside a destructor or a C callback. A long-running
    loop therefore also calls `raise_pending_interrupt`.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def raise_pending_interrupt() -> None:
    """Raise KeyboardInterrupt if a stop signal came and its exception was dropped."""
    if _pending:
        _pending.clear()
        raise KeyboardInterrupt


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _pending.append(number)
    raise KeyboardInterrupt
