"""Watched folders: folders whose new recordings the scheduler enqueues."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select, update

from contracts.errors import SettingsError
from contracts.times import utc_now
from contracts.zones.picture_options import AS_IN_SETTINGS, PictureOptions
from records.audit import MOODLINE, write_audit_entry
from records.audit_actions import Action
from records.database import reading, transaction
from records.json_columns import (
    FolderOptions,
    HandledFiles,
    decode_folder_options,
    decode_handled_files,
    encode_folder_options,
    encode_handled_files,
)
from records.tables.operations import Schedule


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder that is scanned every `every_s` seconds, or by the `cron` expression."""

    name: str
    path: str
    every_s: int | None
    cron: str | None
    sampling_fps: float | None
    source: str | None
    created_at: datetime
    pictures: PictureOptions = AS_IN_SETTINGS

    @property
    def schedule(self) -> str:
        """The interval or cron expression, for people."""
        return f"every {self.every_s} s" if self.every_s else str(self.cron)


def add_folder(  # noqa: PLR0913
    engine: Engine,
    name: str,
    path: str,
    *,
    every_s: int | None,
    cron: str | None,
    sampling_fps: float | None,
    source: str | None,
    pictures: PictureOptions = AS_IN_SETTINGS,
    actor: str = MOODLINE,
) -> None:
    """Add a watched folder. Raises SettingsError if the name is already taken."""
    options = FolderOptions(sampling_fps, source, pictures)
    with transaction(engine) as connection:
        taken = connection.execute(select(Schedule.id).where(Schedule.name == name)).first()
        if taken is not None:
            raise SettingsError(
                f"a watched folder {name} already exists",
                hint=f"Remove it first: moodline schedule remove {name}",
            )
        connection.execute(
            insert(Schedule).values(
                name=name,
                path=path,
                every_s=every_s,
                cron=cron,
                options=encode_folder_options(options),
                created_at=utc_now(),
            )
        )
        write_audit_entry(connection, actor, Action.FOLDER_ADDED, {"folder": name, "path": path})


def edit_folder(  # noqa: PLR0913
    engine: Engine,
    name: str,
    path: str,
    *,
    every_s: int | None,
    cron: str | None,
    sampling_fps: float | None,
    source: str | None,
    pictures: PictureOptions,
    actor: str = MOODLINE,
) -> None:
    """Change a watched folder. What was queued from it stays queued. Raises SettingsError."""
    options = FolderOptions(sampling_fps, source, pictures)
    with transaction(engine) as connection:
        changed = connection.execute(
            update(Schedule)
            .where(Schedule.name == name)
            .values(path=path, every_s=every_s, cron=cron, options=encode_folder_options(options))
        )
        if not changed.rowcount:
            raise _no_folder(name)
        write_audit_entry(connection, actor, Action.FOLDER_EDITED, {"folder": name, "path": path})


def _no_folder(name: str) -> SettingsError:
    return SettingsError(f"no watched folder {name}", hint="`moodline schedule list` shows them")


def remove_folder(engine: Engine, name: str, *, actor: str = MOODLINE) -> None:
    """Stop watching a folder. Raises SettingsError if there is none with that name."""
    with transaction(engine) as connection:
        if not connection.execute(delete(Schedule).where(Schedule.name == name)).rowcount:
            raise _no_folder(name)
        write_audit_entry(connection, actor, Action.FOLDER_REMOVED, {"folder": name})


def watched_folders(engine: Engine) -> list[WatchedFolder]:
    """Return all watched folders, by name."""
    query = select(
        Schedule.name,
        Schedule.path,
        Schedule.every_s,
        Schedule.cron,
        Schedule.options,
        Schedule.created_at,
    ).order_by(Schedule.name)
    folders = []
    with reading(engine) as connection:
        for row in connection.execute(query):
            options = decode_folder_options(row.options)
            folders.append(
                WatchedFolder(
                    name=row.name,
                    path=row.path,
                    every_s=row.every_s,
                    cron=row.cron,
                    sampling_fps=options.sampling_fps,
                    source=options.source,
                    created_at=row.created_at,
                    pictures=options.pictures,
                )
            )
    return folders


def handled_files(engine: Engine, name: str) -> HandledFiles:
    """Return the files of a folder that were handled, with their size and mtime at that time."""
    with reading(engine) as connection:
        seen = connection.execute(select(Schedule.seen).where(Schedule.name == name)).scalar()
    return decode_handled_files(seen or "")


def save_handled_files(engine: Engine, name: str, files: HandledFiles) -> None:
    """Replace the stored list of handled files of a folder."""
    with transaction(engine) as connection:
        connection.execute(
            update(Schedule).where(Schedule.name == name).values(seen=encode_handled_files(files))
        )
