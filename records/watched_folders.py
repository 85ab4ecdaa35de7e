"""Folders that are looked through again and again, as rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select, update

from contracts.errors import SettingsError
from contracts.times import utc_now
from records.database import reading, transaction
from records.tables.operations import Schedule

Seen = Mapping[str, tuple[int, int]]
"""Size and mtime in ns of each file that was handled, by its path."""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder whose new recordings are queued, each `every_s` or by `cron`."""

    name: str
    path: str
    every_s: int | None
    cron: str | None
    sampling_fps: float | None
    source: str | None
    created_at: datetime

    @property
    def when(self) -> str:
        """As its owner said it."""
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
) -> None:
    """Raises SettingsError when the name is taken."""
    with transaction(engine) as connection:
        taken = connection.execute(select(Schedule.id).where(Schedule.name == name)).first()
        if taken is not None:
            raise SettingsError(
                f"{name} is watched already", hint="`moodline schedule remove` ends that"
            )
        connection.execute(
            insert(Schedule).values(
                name=name,
                path=path,
                every_s=every_s,
                cron=cron,
                options=json.dumps({"sampling_fps": sampling_fps, "source": source}),
                created_at=utc_now(),
            )
        )


def remove_folder(engine: Engine, name: str) -> None:
    """Raises SettingsError when there is none of that name."""
    with transaction(engine) as connection:
        if not connection.execute(delete(Schedule).where(Schedule.name == name)).rowcount:
            raise SettingsError(
                f"no folder {name} is watched", hint="`moodline schedule list` shows them"
            )


def watched_folders(engine: Engine) -> list[WatchedFolder]:
    """All of them, by name."""
    with reading(engine) as connection:
        return [
            WatchedFolder(
                name=row.name,
                path=row.path,
                every_s=row.every_s,
                cron=row.cron,
                created_at=row.created_at,
                **json.loads(row.options),
            )
            for row in connection.execute(
                select(
                    Schedule.name,
                    Schedule.path,
                    Schedule.every_s,
                    Schedule.cron,
                    Schedule.options,
                    Schedule.created_at,
                ).order_by(Schedule.name)
            )
        ]


def seen_files(engine: Engine, name: str) -> Seen:
    """The files that were handled, as they were then."""
    with reading(engine) as connection:
        seen = connection.execute(select(Schedule.seen).where(Schedule.name == name)).scalar()
    return {path: (size, at) for path, (size, at) in json.loads(seen or "{}").items()}


def note_seen(engine: Engine, name: str, seen: Seen) -> None:
    """Write down which files were handled, as they were then."""
    with transaction(engine) as connection:
        connection.execute(
            update(Schedule).where(Schedule.name == name).values(seen=json.dumps(dict(seen)))
        )
