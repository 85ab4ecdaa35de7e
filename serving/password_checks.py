"""Password checks: few at once, because each takes 64 MiB, and few that wait for their turn."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, ParamSpec, TypeVar

import anyio

from contracts.errors import ServerBusyError

MAX_PENDING: Final = 16
MAX_PENDING_BY_USER: Final = 2
"""Checks of one user on known devices, so that no user's checks keep another one's waiting."""
_AT_ONCE: Final = 2

P = ParamSpec("P")
T = TypeVar("T")


class PasswordChecks:
    """Runs checks in threads. Waiting ones stay in the event loop and hold no server thread.

    Users on known devices have a slot of their own, which nobody else can fill.
    """

    def __init__(self) -> None:
        self._slots = anyio.CapacityLimiter(_AT_ONCE)
        self._known_slot = anyio.CapacityLimiter(1)
        self._pending: Counter[str] = Counter()

    async def run(self, known_user: str, check: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
        """Run a check and return its result.

        known_user: the user, on a known device or signed in; "" for anyone else. Raises
        ServerBusyError, without waiting, if too many checks are pending.
        """
        limit = MAX_PENDING_BY_USER if known_user else MAX_PENDING
        if self._pending[known_user] >= limit:
            raise ServerBusyError(
                "too many passwords are being checked", hint="Try again in a few seconds"
            )
        self._pending[known_user] += 1
        try:
            return await anyio.to_thread.run_sync(
                partial(check, *args, **kw),
                limiter=self._known_slot if known_user else self._slots,
            )
        finally:
            self._pending[known_user] -= 1
            if not self._pending[known_user]:
                del self._pending[known_user]
