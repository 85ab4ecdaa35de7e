"""Which recordings a command line's paths mean: files, directories, glob patterns."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import SourceError

MEDIA_SUFFIXES: Final = frozenset(
    {".mp4", ".m4v", ".mkv", ".avi", ".mov", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".wmv"}
    | {".flv", ".3gp", ".ogv", ".gif", ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
)


@dataclass(frozen=True, slots=True)
class Found:
    """A recording to analyse. name: how it is shown; a directory's members keep its name."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A path that means no recording, and why."""

    path: str
    error: SourceError


def discover(paths: Sequence[str]) -> list[Found | Refused]:
    """What `paths` mean, in their order, each file once.

    A file that is named is taken whatever its suffix; in a directory, only media suffixes and
    nothing hidden. A pattern is expanded here unless a file has that very name.
    """
    results: list[Found | Refused] = []
    seen: set[Path] = set()
    for given in paths:
        for result in _expand(given):
            if isinstance(result, Found):
                identity = result.path.resolve()
                if identity in seen:
                    continue
                seen.add(identity)
            results.append(result)
    return results


def _expand(given: str) -> Iterator[Found | Refused]:
    if os.path.lexists(given) or not glob.has_magic(given):
        yield from _one_path(given)
        return
    matches = sorted(glob.glob(given, recursive=True))  # noqa: PTH207  # May be absolute.
    if not matches:
        yield Refused(given, SourceError(f"nothing matches {given}", hint="Check the pattern"))
    for match in matches:
        yield from _one_path(match)


def _one_path(given: str) -> Iterator[Found | Refused]:
    path = Path(os.path.abspath(given))  # noqa: PTH100  # Keeps symbolic links as they are named.
    if not path.is_dir():
        if os.path.lexists(path):
            yield Found(path, path.name)
        else:
            yield Refused(given, SourceError(f"{given} does not exist", hint="Check the path"))
        return
    members = sorted(_recordings_below(path))
    if not members:
        error = SourceError(
            f"no recordings in the directory {given}",
            hint="It is searched for " + ", ".join(s[1:] for s in sorted(MEDIA_SUFFIXES)),
        )
        yield Refused(given, error)
    for member in members:
        yield Found(member, str(member.relative_to(path.parent)))


def _recordings_below(directory: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in MEDIA_SUFFIXES:
                yield Path(folder, name)
