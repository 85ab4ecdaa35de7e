"""GET /sources and GET /sources/{name}."""

from typing import Annotated

from fastapi import FastAPI, Path, Query
from pydantic import Field

from analytics.snapshots import in_snapshot
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.fields import MAX_PAGE
from api.conventions.pages import Page, PageArguments
from api.resources.sources.source import Source, find_source, find_sources
from contracts.runs import RunKind
from serving.backend import Backend
from serving.heartbeats import read_current_heartbeats

_CURSOR = "sources"
Name = Annotated[str, Path(min_length=1, max_length=255, description="Name of the source.")]


class SourceArguments(PageArguments):
    """Which sources."""

    kind: RunKind | None = None
    tag: Annotated[str | None, Field(max_length=64, description="Only with this tag.")] = None
    state: Annotated[str | None, Field(max_length=32, description="Only in this state.")] = None


def add_source_reading(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""

    @app.get("/sources", tags=["sources"])
    def list_sources(asked: Annotated[SourceArguments, Query()]) -> Page[Source]:
        """The sources, by name."""
        after = read_cursor(asked.cursor, _CURSOR, [str])[0] if asked.cursor else ""
        heartbeats, _ = read_current_heartbeats(backend)
        found = [
            one
            for one in in_snapshot(backend.engine, find_sources, heartbeats)
            if one.name > str(after) and _is_wanted(one, asked)
        ]
        page = found[: min(asked.limit, MAX_PAGE)]
        more = len(found) > len(page)
        return Page[Source](
            items=page, next=write_cursor(_CURSOR, [page[-1].name]) if more else None
        )

    @app.get("/sources/{name:path}", tags=["sources"])
    def get_source(name: Name) -> Source:
        """One source, by its name or a former one."""
        heartbeats, _ = read_current_heartbeats(backend)
        return in_snapshot(backend.engine, find_source, heartbeats, name)


def _is_wanted(one: Source, asked: SourceArguments) -> bool:
    return (
        asked.kind in {None, one.kind}
        and (asked.tag is None or asked.tag in one.tags)
        and asked.state in {None, one.state}
    )
