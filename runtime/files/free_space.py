"""FreeSpace: the part of a disk that moodline's large files leave free."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import DiskFullError


def free_bytes(folder: Path) -> int:
    """Return the bytes that are free on the disk of the folder. Raises OSError."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """A floor of free space on each disk. The database and the logs need it to keep working.

    floor_bytes: what stays free. measure: returns the free bytes of a folder's disk.
    """

    floor_bytes: int = 0
    measure: Callable[[Path], int] = free_bytes

    def require(self, folder: Path, size: int, name: str) -> None:
        """Raise DiskFullError if `size` more bytes in `folder` would go below the floor.

        name: the file, for the message. Raises OSError if the folder does not exist.
        """
        free = self.measure(folder)
        if free - size < self.floor_bytes:
            raise DiskFullError(
                f"there is no room for {name}: the disk has {free / 1e9:.1f} GB free, of which "
                f"{self.floor_bytes / 1e9:.1f} GB must stay free",
                hint="Free some space, or lower MOODLINE_MIN_FREE_GB",
            )
