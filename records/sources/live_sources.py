"""Live sources as records: add, edit, pause, remove, and claim for a supervisor.

A running system reads them twice a second, so each change is effective at once.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, insert, select, update

from contracts.errors import SourceError, SourceNotFoundError
from contracts.live_sources import LiveSource, LiveState
from contracts.redaction import redact
from contracts.runs import RunKind
from contracts.times import utc_now
from records.database import reading, transaction
from records.locks import lock_queue
from records.tables.sources import Source, SourceInterval

MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What its owner says of a live source."""

    uri: str
    shown_uri: str
    host: str | None
    sampling_fps: float | None
    max_side: int | None
    tags: tuple[str, ...] = ()
    looped: bool = False

    def columns(self) -> dict[str, Any]:
        """As the row's values."""
        return {
            "uri": self.uri,
            "shown_uri": self.shown_uri,
            "host": self.host,
            "sampling_fps": self.sampling_fps,
            "max_side": self.max_side,
            "tags": json.dumps(self.tags),
            "looped": self.looped,
        }


def check_name(name: str) -> None:
    """Raise SourceError for a name that could not be typed, shown or told from a URI."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise SourceError(f"{name!r} is no name", hint=f"Use 1 to {MAX_NAME} printable characters")
    if name.isdecimal() or "/" in name or name.startswith("-"):
        raise SourceError(
            f"{name!r} could be taken for a camera's number, a path or an option",
            hint="Use a word, as in: moodline source add door rtsp://camera.local/live",
        )


def add_source(engine: Engine, name: str, settings: SourceSettings) -> None:
    """Add a live source, or bring back a removed one under its name with new settings.

    Raises SourceError when the name is taken.
    """
    check_name(name)
    with transaction(engine) as connection:
        lock_queue(connection)
        found = connection.execute(
            select(Source.id, Source.kind, Source.removed_at).where(Source.name == name)
        ).first()
        if found is None:
            connection.execute(
                insert(Source).values(
                    name=name, kind=RunKind.LIVE, created_at=utc_now(), **settings.columns()
                )
            )
            return
        if found.kind != RunKind.LIVE:
            raise SourceError(f"{name} is the name of recordings", hint="Choose another name")
        if found.removed_at is None:
            raise SourceError(
                f"there is a source {name} already", hint=f"Change it: moodline source edit {name}"
            )
        # Nobody wanted it seen meanwhile, which is what a pause is.
        gone = {"since": found.removed_at, "until": utc_now(), "reason": "it was removed"}
        connection.execute(
            insert(SourceInterval).values(source_pk=found.id, state=LiveState.PAUSED, **gone)
        )
        _update(connection, found.id, settings.columns() | {"removed_at": None, "paused": False})


def edit_source(engine: Engine, name: str, settings: SourceSettings) -> None:
    """Give a source other settings; it is opened anew. Raises SourceNotFoundError."""
    _change(engine, name, settings.columns())


def pause_source(engine: Engine, name: str, *, paused: bool) -> None:
    """Stop reading a source, or go on. Raises SourceNotFoundError."""
    _change(engine, name, {"paused": paused})


def remove_source(engine: Engine, name: str) -> None:
    """Stop reading a source, and forget where it is; its records stay.

    Raises SourceNotFoundError.
    """
    _change(engine, name, {"removed_at": utc_now(), "uri": None, "shown_uri": ""})


def find_source(engine: Engine, name: str) -> LiveSource:
    """The live source of that name. Raises SourceNotFoundError."""
    with reading(engine) as connection:
        return _found(connection, name)


def live_sources(engine: Engine) -> list[LiveSource]:
    """All live sources that were not removed, by name."""
    with reading(engine) as connection:
        rows = connection.execute(LIVING.order_by(Source.name))
        return [live_source_of(row) for row in rows]


LIVING: Final = select(*Source.__table__.c).where(
    Source.kind == RunKind.LIVE, Source.removed_at.is_(None)
)


def _change(engine: Engine, name: str, values: dict[str, Any]) -> None:
    with transaction(engine) as connection:
        _update(connection, _found(connection, name).pk, values)


def _update(connection: Connection, source_pk: int, values: dict[str, Any]) -> None:
    connection.execute(
        update(Source).where(Source.id == source_pk).values(revision=Source.revision + 1, **values)
    )


def _found(connection: Connection, name: str) -> LiveSource:
    row = connection.execute(LIVING.where(Source.name == name)).first()
    if row is None:
        raise SourceNotFoundError(
            f"no live source {name}", hint="`moodline source list` shows them"
        )
    return live_source_of(row)


def live_source_of(row: Row[Any]) -> LiveSource:
    return LiveSource(
        pk=row.id,
        name=row.name,
        uri=row.uri or "",
        shown_uri=redact(row.shown_uri),
        host=row.host,
        sampling_fps=row.sampling_fps,
        max_side=row.max_side,
        tags=tuple(json.loads(row.tags)),
        looped=row.looped,
        paused=row.paused,
        revision=row.revision,
    )
