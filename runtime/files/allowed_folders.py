"""AllowedFolders: the folders of this host whose files may be read for other people."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from contracts.errors import SourceError
from runtime.files.regular_files import open_below

_SYSTEM_FOLDERS: Final = tuple(Path(name) for name in ("/proc", "/sys", "/dev"))
"""Never read for others, whatever is allowed: their files are the kernel's and other processes'."""

_MAX_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class AllowedFolders:
    """The folders that the owner allows, with all below them.

    private: folders that are not read although they are in an allowed one, unless an allowed folder
    is in the private one. Symbolic links are followed only to places that are allowed.
    """

    folders: tuple[Path, ...]
    private: tuple[Path, ...] = ()

    def find(self, path: Path) -> Path:
        """Return the path without symbolic links below its allowed folder.

        The path need not exist. Raises SourceError if it leads out of the allowed folders.
        """
        folder, rest = self._split(path)
        return folder / rest

    def open(self, path: Path) -> BinaryIO:
        """Open the regular file at `path`.

        Every name below the allowed folder is opened without following links, so an exchange after
        the check cannot lead out. Raises SourceError as `find`, and OSError.
        """
        folder, rest = self._split(path)
        return open_below(folder, rest.parts)

    def _split(self, path: Path) -> tuple[Path, Path]:
        """Return the allowed folder of a path, as given, and the resolved rest of the path."""
        place = _resolved(path)
        if place is None or any(place.is_relative_to(one) for one in _SYSTEM_FOLDERS):
            raise _not_allowed(path)
        found = [
            (len(root.parts), folder, root)
            for folder in self.folders
            if (root := _resolved(folder)) is not None and place.is_relative_to(root)
        ]
        if not found:
            raise _not_allowed(path)
        depth, folder, root = max(found)
        for private in filter(None, map(_resolved, self.private)):
            if place.is_relative_to(private) and len(private.parts) >= depth:
                raise _not_allowed(path)
        return folder, place.relative_to(root)


def _resolved(path: Path) -> Path | None:
    """Return the path without symbolic links; None if it cannot be a path."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):  # Too long, or with a NUL.
        return None


def _not_allowed(path: Path) -> SourceError:
    return SourceError(
        f"{str(path)[:_MAX_SHOWN]!r} is not in a folder that the dashboard may read",
        hint="The owner allows folders with MOODLINE_RECORDING_FOLDERS, or "
        "`moodline schedule add-folder FOLDER --every 10m`",
    )
