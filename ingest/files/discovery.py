"""The recordings that paths name.

`discover` is for the command line, whose user may read what the process may read: files, folders
and patterns. `discover_allowed` is for other people, and for watched folders: literal paths, in
allowed folders only.
"""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def discover(paths: Sequence[str]) -> list[Recording | RefusedPath]:
    """Return the recordings that `paths` name, in their order, each file once.

    A named file is taken whatever its suffix. In a folder, files with a media suffix are taken,
    hidden ones are not. A pattern is expanded here unless a file has exactly that name.
    """
    results: list[Recording | RefusedPath] = []
    seen: set[Path] = set()
    for path in paths:
        for result in _expand(path):
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
    for member in sorted(_recordings_below(found)):
        try:
            recording = _allowed_file(member, str(member.relative_to(found.parent)), allowed)
        except SourceError as exc:
            results.append(RefusedPath(str(member), exc))
            continue
        if recording.path not in seen:
            seen.add(recording.path)
            results.append(recording)
    return results


def _allowed_file(path: Path, name: str, allowed: AllowedFolders) -> Recording:
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


def _expand(path: str) -> Iterator[Recording | RefusedPath]:
    if os.path.lexists(path) or not glob.has_magic(path):
        yield from _file_or_folder(path)
        return
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207  # May be absolute.
    if not matches:
        yield RefusedPath(path, SourceError(f"no file matches {path}", hint="Check the pattern"))
    for match in matches:
        yield from _file_or_folder(match)


def _file_or_folder(name: str) -> Iterator[Recording | RefusedPath]:
    path = Path(os.path.abspath(name))  # noqa: PTH100  # Does not resolve symbolic links.
    if not path.is_dir():
        if os.path.lexists(path):
            yield Recording(path, path.name)
        else:
            yield RefusedPath(name, SourceError(f"{name} does not exist", hint="Check the path"))
        return
    members = sorted(_recordings_below(path))
    if not members:
        error = SourceError(
            f"no recordings in the folder {name}",
            hint=f"These file types are searched for: {_suffixes()}",
        )
        yield RefusedPath(name, error)
    for member in members:
        yield Recording(member, str(member.relative_to(path.parent)))


def _suffixes() -> str:
    return ", ".join(sorted(suffix[1:] for suffix in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)))


def _recordings_below(folder: Path) -> Iterator[Path]:
    for below, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and is_recording(name):
                yield Path(below, name)
