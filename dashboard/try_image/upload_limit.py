"""The limit of images at the same time: slow or hostile clients must not block the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from contracts.errors import ServerBusyError


@dataclass(slots=True)
class UploadLimit:
    """A number of slots. Without a free one a request fails at once instead of waiting.

    For one event loop: nothing runs between the check and the increment.
    """

    slots: int
    used: int = 0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot. Raises ServerBusyError if all are used."""
        if self.used >= self.slots:
            raise ServerBusyError(
                "too many images are being read at the moment", hint="Try again in a few seconds"
            )
        self.used += 1
        try:
            yield
        finally:
            self.used -= 1
