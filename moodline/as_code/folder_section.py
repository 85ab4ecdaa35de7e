"""The section `folders`: watched folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from analytics.scheduling.times import cron as check_cron
from contracts.alerts.typed_rule import typed_duration
from contracts.errors import ConfigFileError, SettingsError
from contracts.zones.picture_options import PictureOptions
from moodline.as_code.document import FolderEntry
from moodline.as_code.entries import Fields, FieldValue
from moodline.as_code.parsing import ParsedFile
from moodline.as_code.pictures import picture_entry, picture_fields, picture_options
from moodline.as_code.site import Site
from moodline.terminal.time_arguments import parse_duration
from records.watched_folders import (
    WatchedFolder,
    add_folder,
    edit_folder,
    remove_folder,
    watched_folders,
)

SHORTEST_INTERVAL_S: Final = 10


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder as it is stored."""

    path: str
    every_s: int | None
    cron: str | None
    fps: float | None
    source: str | None
    pictures: PictureOptions

    def fields(self) -> Fields:
        return {
            "path": FieldValue.plain(self.path),
            "every": FieldValue(self.every_s, typed_duration(self.every_s) if self.every_s else ""),
            "cron": FieldValue.plain(self.cron),
            "fps": FieldValue.plain(self.fps),
            "source": FieldValue.plain(self.source),
            **picture_fields(self.pictures),
        }


class FolderSection:
    """The watched folders of a file and of the records."""

    name = "folders"

    def __init__(self, site: Site, parsed: ParsedFile) -> None:
        self._site = site
        self._parsed = parsed
        self._known = {one.name: _stored(one) for one in watched_folders(site.engine)}
        self._folders: dict[str, _Folder] = {}

    def current(self) -> Mapping[str, Fields]:
        """Return the folders that are watched."""
        return {name: one.fields() for name, one in self._known.items()}

    def desired(self) -> Mapping[str, Fields]:
        """Return the folders of the file. Raises MoodlineError."""
        for name, entry in (self._parsed.document.folders or {}).items():
            with self._parsed.naming(self.name, name):
                self._folders[name] = self._folder(name, entry)
        return {name: one.fields() for name, one in self._folders.items()}

    def store(self, name: str, *, exists: bool) -> None:
        """Add or change a folder. Raises MoodlineError."""
        folder = self._folders[name]
        with self._parsed.naming(self.name, name):
            (edit_folder if exists else add_folder)(
                self._site.engine,
                name,
                folder.path,
                every_s=folder.every_s,
                cron=folder.cron,
                sampling_fps=folder.fps,
                source=folder.source,
                pictures=folder.pictures,
                actor=self._site.actor,
            )

    def remove(self, name: str) -> None:
        """Stop watching a folder."""
        remove_folder(self._site.engine, name, actor=self._site.actor)

    def _folder(self, name: str, entry: FolderEntry) -> _Folder:
        known = self._known.get(name)
        folders = self._site.settings.shared_folders
        path = folders.local(entry.path)
        if not path.is_dir():
            raise ConfigFileError(
                f"{self._parsed.at(self.name, name, 'path')}: {path} is not a folder",
                hint="Create it, or mount it",
            )
        return _Folder(
            folders.stored(path),
            self._interval_s(entry),
            entry.cron,
            entry.fps,
            entry.source,
            picture_options(entry, name, known.pictures if known else None),
        )

    def _interval_s(self, entry: FolderEntry) -> int | None:
        if (entry.every is None) == (entry.cron is None):
            raise SettingsError("give either every or cron", hint="For example every: 10m")
        if entry.every is None:
            check_cron(entry.cron or "", self._site.settings.timezone)
            return None
        every_s = round(parse_duration(entry.every, "every").total_seconds())
        if every_s < SHORTEST_INTERVAL_S:
            raise SettingsError(
                f"every {entry.every} is too short", hint=f"Use {SHORTEST_INTERVAL_S}s or more"
            )
        return every_s


def _stored(known: WatchedFolder) -> _Folder:
    return _Folder(
        known.path, known.every_s, known.cron, known.sampling_fps, known.source, known.pictures
    )


def folder_entry(known: WatchedFolder) -> dict[str, Any]:
    """Return the entry of a watched folder."""
    entry: dict[str, Any] = {"path": known.path}
    if known.every_s:
        entry["every"] = typed_duration(known.every_s)
    else:
        entry["cron"] = known.cron
    if known.sampling_fps is not None:
        entry["fps"] = known.sampling_fps
    if known.source is not None:
        entry["source"] = known.source
    return entry | picture_entry(known.pictures)
