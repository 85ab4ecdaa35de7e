"""Folders that several hosts know by one name, so that any of them can analyse a recording.

The records store a recording in such a folder as `shared://NAME/rest/of/path`. Each host opens it
in the folder that its own settings give for NAME. Any other recording is stored by its absolute
path, which must be the same file on every host that takes runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Self
from urllib.parse import quote, unquote

from contracts.errors import SourceError

_SCHEME: Final = "shared://"


@dataclass(frozen=True, slots=True)
class SharedFolders:
    """This host's folders, by their shared names."""

    folders: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the folders in "NAME=/FOLDER,NAME=/FOLDER". Raises ValueError."""
        folders = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, folder = part.partition("=")
            if not name.replace("-", "").replace("_", "").isalnum() or not folder.startswith("/"):
                raise ValueError(
                    f"{part!r} is not NAME=/FOLDER "
                    "(example: recordings=/srv/recordings,nas=/mnt/nas)"
                )
            folders[name] = Path(folder)
        return cls(folders)

    def stored(self, path: Path) -> str:
        """Return the URI by which the records store a recording of this host."""
        absolute = path.absolute()
        containing = [
            (len(folder.parts), name, absolute.relative_to(folder))
            for name, folder in self.folders.items()
            if absolute.is_relative_to(folder)
        ]
        if not containing:
            return str(absolute)
        _, name, rest = max(containing)
        return f"{_SCHEME}{name}/{quote(rest.as_posix())}"

    def can_open(self, uri: str) -> bool:
        """Return whether this host has the folder of a stored URI."""
        return not uri.startswith(_SCHEME) or _split(uri)[0] in self.folders

    def local(self, uri: str) -> Path:
        """Return this host's path of a stored URI. Raises SourceError."""
        if not uri.startswith(_SCHEME):
            return Path(uri)
        name, rest = _split(uri)
        if name not in self.folders:
            raise SourceError(
                f"{uri}: this host has no shared folder {name!r}",
                hint=f"Add {name}=/FOLDER to MOODLINE_SHARED_FOLDERS",
            )
        if ".." in rest.parts or rest.is_absolute():
            raise SourceError(f"{uri} leads out of its shared folder")
        return self.folders[name] / rest


def _split(uri: str) -> tuple[str, PurePosixPath]:
    name, _, rest = uri.removeprefix(_SCHEME).partition("/")
    return name, PurePosixPath(unquote(rest))
