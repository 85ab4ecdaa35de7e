"""GET /runs, /runs/{run_id} and /runs/{run_id}/summary."""

from typing import Annotated

from fastapi import FastAPI, Path, Query
from pydantic import Field
from sqlalchemy import Connection

from analytics.runs.run_list import RunFilter, find_runs, run_key, runs_page
from analytics.runs.run_summary import run_summary
from analytics.snapshots import in_snapshot
from api.access import require_source, visible_names, visible_sources
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.pages import Page, PageArguments
from api.resources.runs.run import Run, Summary, run_of, summary_of
from contracts.runs import RunKind, RunState
from serving.backend import Backend

_CURSOR = "runs"
RunId = Annotated[str, Path(min_length=1, max_length=64, description="Id of the run.")]


class RunArguments(PageArguments):
    """Which runs."""

    source: Annotated[str | None, Field(max_length=255, description="Only of this source.")] = None
    state: RunState | None = None
    kind: RunKind | None = None


def add_run_reading(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""

    @app.get("/runs", tags=["runs"])
    def list_runs(asked: Annotated[RunArguments, Query()]) -> Page[Run]:
        """The runs, newest first."""
        return in_snapshot(backend.engine, _page, asked)

    @app.get("/runs/{run_id}", tags=["runs"])
    def get_run(run_id: RunId) -> Run:
        """One run."""
        return in_snapshot(backend.engine, _run, run_id)

    @app.get("/runs/{run_id}/summary", tags=["runs"])
    def get_summary(run_id: RunId) -> Summary:
        """One run in numbers."""
        return in_snapshot(backend.engine, _summary, run_id)


def _page(connection: Connection, asked: RunArguments) -> Page[Run]:
    before = int(read_cursor(asked.cursor, _CURSOR, [int])[0]) if asked.cursor else None
    source = None if asked.source is None else require_source(connection, asked.source)
    wanted = RunFilter(source, asked.state, asked.kind, visible_sources())
    lines, following = runs_page(connection, wanted, before=before, limit=asked.limit)
    names = visible_names(connection)
    return Page[Run](
        items=[run_of(one, names) for one in lines],
        next=None if following is None else write_cursor(_CURSOR, [following]),
    )


def _run(connection: Connection, run_id: str) -> Run:
    run_key(connection, run_id, within=visible_sources())
    (line,) = find_runs(connection, [run_id])
    return run_of(line, visible_names(connection))


def _summary(connection: Connection, run_id: str) -> Summary:
    run_key(connection, run_id, within=visible_sources())
    return summary_of(run_summary(connection, run_id), visible_names(connection))
