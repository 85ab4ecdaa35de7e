"""Which recordings a command line means: files, folders of them, and patterns."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.errors import SourceError

STILLS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
VIDEOS: Final = frozenset(
    ".mp4 .m4v .mkv .avi .mov .webm .mpg .mpeg .ts .mts .wmv .flv .3gp .ogv .gif".split()
)


@dataclass(frozen=True, slots=True)
class Found:
    """A recording. name: what its source is called unless its owner says otherwise."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A path that leads to no recording, and why."""

    path: str
    error: SourceError


def discover(paths: Sequence[str]) -> list[Found | Refused]:
    """The recordings of all paths, each once, folders in sorted order.

    A file is taken whatever its suffix; in a folder only known suffixes are, and nothing
    hidden. Patterns are expanded here too, for shells that do not.
    """
    found: list[Found | Refused] = []
    seen: set[Path] = set()
    for path in paths:
        for one in _expand(path):
            if isinstance(one, Found):
                if one.path in seen:
                    continue
                seen.add(one.path)
            found.append(one)
    return found


def _expand(text: str) -> Iterator[Found | Refused]:
    path = Path(text).expanduser()
    if path.is_dir():
        yield from _folder(path)
    elif path.exists() or not glob.has_magic(text):
        yield _file(path, text)
    else:
        matches = sorted(glob.glob(str(path), recursive=True))
        if not matches:
            yield _refused(text, f"nothing matches {text}", "Check the pattern")
        for match in matches:
            yield from _expand(match)


def _file(path: Path, text: str) -> Found | Refused:
    if not path.exists():
        return _refused(text, f"{path.name}: no such file", "Check the path")
    return Found(path.resolve(), path.name)


def _folder(path: Path) -> Iterator[Found | Refused]:
    root = path.resolve()
    members = [
        member
        for member in sorted(root.rglob("*"))
        if member.suffix.lower() in STILLS | VIDEOS
        and member.is_file()
        and not any(part.startswith(".") for part in member.relative_to(root).parts)
    ]
    if not members:
        yield _refused(
            str(path), f"{path}: no recordings in this folder", "Name files to take any suffix"
        )
    for member in members:
        yield Found(member, str(member.relative_to(root.parent)))


def _refused(path: str, message: str, hint: str) -> Refused:
    return Refused(path, SourceError(message, hint=hint))
