"""The recordings that paths name.

`discover` is for the command line, whose user may read what the process may read: files, folders
and patterns. `discover_allowed` is for other people, and for watched folders: literal paths, in
allowed folders only.
"""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import SourceError
from contracts.media_types import IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_recording
from runtime.files.allowed_folders import AllowedFolders


@dataclass(frozen=True, slots=True)
class Recording:
    """A file to analyse. name: shown to users; a file found in a folder keeps the folder's name."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class RefusedPath:
    """A path that names no recording, and the reason."""

    path: str
    error: SourceError


@dataclass(frozen=True, slots=True)
class NotRead:
    """A member of a folder that is not searched or not taken, and the reason, as a noun phrase."""

    path: str
    reason: str


LINKED_FOLDER: Final = "linked folder"
OTHER_SUFFIX: Final = "file with another suffix"

OnNotRead = Callable[[NotRead], object]


def discover(
    paths: Sequence[str], on_not_read: OnNotRead = lambda _: None
) -> list[Recording | RefusedPath]:
    """Return the recordings that `paths` name, in their order, each file once.

    A named file is taken whatever its suffix. In a folder, files with a media suffix are taken,
    hidden ones are not. A pattern is expanded here unless a file has exactly that name.
    on_not_read: called for each member of a folder that is not taken, unless it is hidden.
    """
    results: list[Recording | RefusedPath] = []
    seen: set[Path] = set()
    for path in paths:
        for result in _expand(path, on_not_read):
            if isinstance(result, Recording):
                identity = result.path.resolve()
                if identity in seen:
                    continue
                seen.add(identity)
            results.append(result)
    return results


def discover_allowed(place: Path, allowed: AllowedFolders) -> list[Recording | RefusedPath]:
    """Return the recordings at `place`, a file or a folder, each file once.

    Each file needs a media suffix, and must be a regular file in an allowed folder after its
    symbolic links are resolved. Raises SourceError if `place` itself is not allowed, does not
    exist or is a file of another kind.
    """
    found = allowed.find(place)
    if not os.path.isdir(found):  # noqa: PTH112  # A name that is too long is not a folder.
        return [_allowed_file(found, place.name, allowed)]
    results: list[Recording | RefusedPath] = []
    seen: set[Path] = set()
    unreadable: list[RefusedPath] = []
    for member in sorted(_recordings_below(found, unreadable.append)):
        try:
            recording = _allowed_file(member, str(member.relative_to(found.parent)), allowed)
        except SourceError as exc:
            results.append(RefusedPath(str(member), exc))
            continue
        if recording.path not in seen:
            seen.add(recording.path)
            results.append(recording)
    return results + unreadable


def _allowed_file(path: Path, name: str, allowed: AllowedFolders) -> Recording:
    _require_utf8(name)
    found = allowed.find(path)
    if not (is_recording(path.name) and is_recording(found.name)):
        raise SourceError(f"{name} is not a recording", hint=f"Supported: {_suffixes()}")
    try:
        allowed.open(found).close()
    except FileNotFoundError as exc:
        raise SourceError(f"{name} does not exist", hint="Check the path") from exc
    except OSError as exc:
        raise SourceError(f"{name} cannot be read: {exc.strerror}", hint="Check the file") from exc
    return Recording(found, name)


def _require_utf8(name: str) -> None:
    """Raise SourceError for a name whose bytes are not text, which no database can store."""
    try:
        name.encode()
    except UnicodeEncodeError as exc:
        raise SourceError(f"the name of {name} is not UTF-8", hint="Rename it") from exc


def _expand(path: str, on_not_read: OnNotRead) -> Iterator[Recording | RefusedPath]:
    if os.path.lexists(path) or not glob.has_magic(path):
        yield from _file_or_folder(path, on_not_read)
        return
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207  # May be absolute.
    if not matches:
        yield RefusedPath(path, SourceError(f"no file matches {path}", hint="Check the pattern"))
    for match in matches:
        yield from _file_or_folder(match, on_not_read)


def _file_or_folder(name: str, on_not_read: OnNotRead) -> Iterator[Recording | RefusedPath]:
    path = Path(os.path.abspath(name))  # noqa: PTH100  # Does not resolve symbolic links.
    if not path.is_dir():
        if os.path.lexists(path):
            yield _named(path, path.name)
        else:
            yield RefusedPath(name, SourceError(f"{name} does not exist", hint="Check the path"))
        return
    unreadable: list[RefusedPath] = []
    members = sorted(_recordings_below(path, unreadable.append, on_not_read))
    yield from unreadable
    if not (members or unreadable):
        error = SourceError(
            f"no recordings in the folder {name}",
            hint=f"These file types are searched for: {_suffixes()}",
        )
        yield RefusedPath(name, error)
    for member in members:
        yield _named(member, str(member.relative_to(path.parent)))


def _named(path: Path, name: str) -> Recording | RefusedPath:
    try:
        _require_utf8(str(path))
    except SourceError as exc:
        return RefusedPath(str(path), exc)
    return Recording(path, name)


def _suffixes() -> str:
    return ", ".join(sorted(suffix[1:] for suffix in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)))


def _recordings_below(
    folder: Path,
    on_unreadable: Callable[[RefusedPath], object],
    on_not_read: OnNotRead = lambda _: None,
) -> Iterator[Path]:
    def note_error(error: OSError) -> None:
        reason = SourceError(
            f"the folder {error.filename} cannot be read: {error.strerror}",
            hint="Change its permissions, or leave it out",
        )
        on_unreadable(RefusedPath(str(error.filename), reason))

    for below, subfolders, names in os.walk(folder, onerror=note_error):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in subfolders:
            if Path(below, name).is_symlink():
                on_not_read(NotRead(str(Path(below, name)), LINKED_FOLDER))
        for name in names:
            if name.startswith("."):
                continue
            if is_recording(name):
                yield Path(below, name)
            else:
                on_not_read(NotRead(str(Path(below, name)), OTHER_SUFFIX))
