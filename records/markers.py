"""Markers: notes of people and programs on the history, such as "new menu"."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, Select, delete, insert, or_, select, tuple_

from contracts.errors import MarkerError, MarkerNotFoundError
from contracts.times import utc_now
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.json_columns import decode_tags, encode_tags
from records.tables.markers import Marker
from records.tables.sources import Source

MAX_TEXT: Final = 500
_Select = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Note:
    """A marker's text and time. begin_at, end_at: equal for a moment."""

    begin_at: datetime
    end_at: datetime
    text: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredMarker(Note):
    """A marker. key: its place among those with the same begin. source: None for all sources."""

    key: int = field(kw_only=True)
    marker_id: str = field(kw_only=True)
    source: str | None = field(kw_only=True)
    created_at: datetime = field(kw_only=True)
    created_by: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class MarkerFilter:
    """The markers that are wanted: those in [since, until). None: all.

    sources: keys of the only sources whose markers are wanted. general: whether those of all
    sources are wanted besides.
    """

    since: datetime | None = None
    until: datetime | None = None
    source_pk: int | None = None
    sources: Collection[int] | None = None
    general: bool = False


def add_marker(engine: Engine, source_pk: int | None, note: Note, *, actor: str) -> str:
    """Write a marker and return its id. source_pk: None for all sources.

    Raises MarkerError if it ends before it begins.
    """
    if note.end_at < note.begin_at:
        raise MarkerError("the marker ends before it begins", hint="Leave out its end for a moment")
    marker_id = secrets.token_hex(12)
    with transaction(engine) as connection:
        connection.execute(
            insert(Marker).values(
                marker_id=marker_id,
                source_pk=source_pk,
                begin_at=note.begin_at,
                end_at=note.end_at,
                text=note.text,
                tags=encode_tags(note.tags),
                created_at=utc_now(),
                created_by=actor[:128],
            )
        )
        write_audit_entry(connection, actor, Action.MARKER_ADDED, {"marker": marker_id})
    return marker_id


def remove_marker(engine: Engine, marker_id: str, *, actor: str) -> None:
    """Delete a marker. Raises MarkerNotFoundError."""
    with transaction(engine) as connection:
        deleted = connection.execute(delete(Marker).where(Marker.marker_id == marker_id)).rowcount
        if not deleted:
            raise no_marker(marker_id)
        write_audit_entry(connection, actor, Action.MARKER_REMOVED, {"marker": marker_id})


def find_marker(
    connection: Connection, marker_id: str, *, sources: Collection[int] | None = None
) -> StoredMarker:
    """Return a marker. sources: as in MarkerFilter. Raises MarkerNotFoundError."""
    query = _query(MarkerFilter(sources=sources)).where(Marker.marker_id == marker_id)
    row = connection.execute(query).first()
    if row is None:
        raise no_marker(marker_id)
    return _marker(row)


def list_markers(
    connection: Connection,
    wanted: MarkerFilter,
    *,
    after: tuple[datetime, int] | None = None,
    limit: int,
) -> list[StoredMarker]:
    """Return markers by their begin. after: begin and key of the last one before."""
    query = _query(wanted)
    if after is not None:
        query = query.where(tuple_(Marker.begin_at, Marker.id) > after)
    query = query.order_by(Marker.begin_at, Marker.id).limit(limit)
    return [_marker(row) for row in connection.execute(query)]


def no_marker(marker_id: str) -> MarkerNotFoundError:
    """Return the error for an id that no marker has."""
    return MarkerNotFoundError(f"no marker {marker_id[:40]!r}")


def _query(wanted: MarkerFilter) -> _Select:
    query: _Select = select(*Marker.__table__.c, Source.name.label("source")).outerjoin(
        Source, Source.id == Marker.source_pk
    )
    if wanted.since is not None:
        query = query.where(Marker.end_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Marker.begin_at < wanted.until)
    if wanted.source_pk is not None:
        query = query.where(Marker.source_pk == wanted.source_pk)
    if wanted.sources is not None:
        named = Marker.source_pk.in_(wanted.sources)
        query = query.where(or_(named, Marker.source_pk.is_(None)) if wanted.general else named)
    return query


def _marker(row: Row[*tuple[Any, ...]]) -> StoredMarker:
    return StoredMarker(
        row.begin_at,
        row.end_at,
        row.text,
        decode_tags(row.tags),
        key=row.id,
        marker_id=row.marker_id,
        source=row.source,
        created_at=row.created_at,
        created_by=row.created_by,
    )
