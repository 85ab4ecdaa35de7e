"""How many pictures may be on their way at once, so that who is slow or hostile holds up nobody."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dashboard.web.page import BusyError


@dataclass(slots=True)
class Turns:
    """So many at once; who comes when all are taken is told so, and waits nowhere.

    For one event loop: nothing between asking and taking lets another in.
    """

    most: int
    taken: int = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises BusyError."""
        if self.taken >= self.most:
            raise BusyError("others show pictures just now", hint="Try again in a moment")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
