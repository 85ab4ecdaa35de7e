"""Markers: notes on the history, such as "new menu"."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Path, Query, Response
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection

from analytics.snapshots import in_snapshot
from api.access import require_source_key, visible_sources
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.fields import Answer, Body, SourceName, Tags, Text, example
from api.conventions.pages import Page, PageArguments
from contracts.errors import NotAllowedError
from contracts.times import from_micros, to_micros
from records.markers import (
    MAX_TEXT,
    MarkerFilter,
    Note,
    StoredMarker,
    add_marker,
    find_marker,
    list_markers,
    remove_marker,
)
from serving.access import current_account
from serving.backend import Backend

_TAG = "markers"
MarkerId = Annotated[str, Path(min_length=1, max_length=64, description="Id of the marker.")]


class NewMarker(Body):
    """A marker to write."""

    model_config = Body.model_config | example(
        source="door", begin="2026-11-30T12:00:00Z", text="new menu", tags=["kitchen"]
    )

    source: Annotated[
        SourceName | None, Field(description="The source; left out: all sources.")
    ] = None
    begin: AwareDatetime
    end: Annotated[AwareDatetime | None, Field(description="Left out: a moment.")] = None
    text: Annotated[Text, Field(min_length=1, max_length=MAX_TEXT)]
    tags: Tags = Field(default_factory=list)


class Marker(Answer):
    """A note on a moment or a time."""

    id: str
    source: str | None = Field(description="`null`: all sources.")
    begin: datetime
    end: datetime = Field(description="Equal to `begin` for a moment.")
    text: str
    tags: list[str]
    created_at: datetime
    created_by: str


class MarkerArguments(PageArguments):
    """Which markers."""

    since: Annotated[
        AwareDatetime | None, Field(alias="from", description="That end at this time or later.")
    ] = None
    until: Annotated[
        AwareDatetime | None, Field(alias="to", description="That begin before this time.")
    ] = None
    source: Annotated[str | None, Field(max_length=255, description="Only of this source.")] = None


def add_markers(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""

    @app.get("/markers", tags=[_TAG])
    def get_markers(asked: Annotated[MarkerArguments, Query()]) -> Page[Marker]:
        """The markers, by their begin."""
        return in_snapshot(backend.engine, _page, asked)

    @app.post("/markers", status_code=HTTPStatus.CREATED, tags=[_TAG])
    def create_marker(new: NewMarker) -> Marker:
        """Write a marker."""
        if new.source is None and visible_sources() is not None:
            raise NotAllowedError("this token is limited to sources", hint="Name the source")
        source_pk = None
        if new.source is not None:
            source_pk = in_snapshot(backend.engine, require_source_key, new.source)
        note = Note(new.begin, new.end or new.begin, new.text, tuple(new.tags))
        marker_id = add_marker(backend.engine, source_pk, note, actor=current_account().actor)
        return in_snapshot(backend.engine, _marker, marker_id)

    @app.get("/markers/{marker_id}", tags=[_TAG])
    def get_marker(marker_id: MarkerId) -> Marker:
        """One marker."""
        return in_snapshot(backend.engine, _marker, marker_id)

    @app.delete("/markers/{marker_id}", status_code=HTTPStatus.NO_CONTENT, tags=[_TAG])
    def delete_marker(marker_id: MarkerId) -> Response:
        """Delete a marker."""
        in_snapshot(backend.engine, _marker, marker_id)
        remove_marker(backend.engine, marker_id, actor=current_account().actor)
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _page(connection: Connection, asked: MarkerArguments) -> Page[Marker]:
    after = None
    if asked.cursor:
        micros, key = read_cursor(asked.cursor, _TAG, [int, int])
        after = from_micros(int(micros)), int(key)
    source_pk = None
    if asked.source is not None:
        source_pk = require_source_key(connection, asked.source)
    wanted = MarkerFilter(asked.since, asked.until, source_pk, visible_sources())
    found = list_markers(connection, wanted, after=after, limit=asked.limit + 1)
    page = found[: asked.limit]
    following = None
    if len(found) > asked.limit:
        following = write_cursor(_TAG, [to_micros(page[-1].begin_at), page[-1].key])
    return Page[Marker](items=[_shown(one) for one in page], next=following)


def _marker(connection: Connection, marker_id: str) -> Marker:
    return _shown(find_marker(connection, marker_id, sources=visible_sources()))


def _shown(one: StoredMarker) -> Marker:
    return Marker(
        id=one.marker_id,
        source=one.source,
        begin=one.begin_at,
        end=one.end_at,
        text=one.text,
        tags=[*one.tags],
        created_at=one.created_at,
        created_by=one.created_by,
    )
