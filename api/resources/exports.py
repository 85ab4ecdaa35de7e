"""Exports: rows as a file, which is written while the program does other things."""

import json
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, Any, Final

from fastapi import FastAPI, Path, Query, Response
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection

from analytics.audit import last_erasure
from analytics.runs.run_list import run_key
from analytics.snapshots import in_snapshot
from api.access import require_source, visible_names, visible_sources
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.fields import Answer, Body, Text, example
from api.conventions.pages import Page, PageArguments
from api.conventions.problems import documented_problems
from api.conventions.route import needs
from api.export_runner import ExportRunner
from contracts.errors import ApiError
from contracts.times import from_micros, to_micros
from records.exports.stored import (
    ExportState,
    StoredExport,
    add_export,
    find_export,
    list_exports,
)
from records.users.roles import TokenScope
from serving.access import current_account
from serving.audit_trail import AuditTrail
from serving.backend import Backend

_TAG: Final = "exports"
ExportId = Annotated[str, Path(min_length=1, max_length=64, description="Id of the export.")]
_READ: Final = needs(TokenScope.READ)
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("text/csv", "application/jsonl", "application/vnd.apache.parquet")
        },
    }
}


class Format(StrEnum):
    """The format of a file, which is its suffix."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


_MEDIA_TYPES: Final = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/jsonl",
    Format.PARQUET: "application/vnd.apache.parquet",
}


class NewExport(Body):
    """The rows to export: those that meet all conditions. Without conditions, all rows."""

    model_config = Body.model_config | example(
        format="parquet", sources=["door"], since="2026-11-01T00:00:00Z"
    )

    format: Format = Format.CSV
    runs: Annotated[list[Annotated[Text, Field(max_length=64)]], Field(max_length=500)] = Field(
        default_factory=list
    )
    sources: Annotated[list[Annotated[Text, Field(max_length=255)]], Field(max_length=500)] = Field(
        default_factory=list
    )
    since: Annotated[AwareDatetime | None, Field(description="Captured at this time or later.")] = (
        None
    )
    until: Annotated[AwareDatetime | None, Field(description="Captured before this time.")] = None
    frames: Annotated[bool, Field(description="Also a row for each frame without faces.")] = False


class Export(Answer):
    """An export. Its file is at `/exports/{id}/file` once it is done, for 24 hours."""

    id: str
    format: Format
    state: ExportState
    error: str
    rows: int | None
    bytes: int | None
    created_at: datetime
    finished_at: datetime | None


def add_exports(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""
    engine, trail = backend.engine, AuditTrail(backend.engine)
    runner = ExportRunner(backend)

    @app.post("/exports", status_code=HTTPStatus.ACCEPTED, tags=[_TAG], openapi_extra=_READ)
    def create_export(new: NewExport) -> Export:
        """Begin an export. Ask for it until it is done."""
        sources = in_snapshot(engine, _chosen, new)
        asked = new.model_dump(mode="json", exclude={"format"}) | {"sources": sources}
        owner = current_account().actor
        export_id = add_export(engine, owner, new.format, json.dumps(asked))
        trail.write_exported(file=str(new.format), export=export_id)
        runner.wake()
        return Export.model_validate(in_snapshot(engine, find_export, export_id, owner))

    @app.get("/exports", tags=[_TAG])
    def get_exports(asked: Annotated[PageArguments, Query()]) -> Page[Export]:
        """The exports of this token, newest first."""
        runner.wake()
        return in_snapshot(engine, _page, asked)

    @app.get("/exports/{export_id}", tags=[_TAG])
    def get_export(export_id: ExportId) -> Export:
        """One export."""
        found = _own(backend, export_id)
        if found.state in {ExportState.QUEUED, ExportState.RUNNING}:
            runner.wake()  # The process that wrote it may have died.
        return Export.model_validate(found)

    @app.get(
        "/exports/{export_id}/file",
        tags=[_TAG],
        response_class=FileResponse,
        responses=_FILES | documented_problems("conflict"),
    )
    def get_file(export_id: ExportId) -> FileResponse:
        """The file of an export."""
        found = _own(backend, export_id)
        return FileResponse(
            _file(backend, runner, found),
            media_type=_MEDIA_TYPES[Format(found.format)],
            filename=f"moodline-{found.file_name}",
        )

    @app.delete(
        "/exports/{export_id}",
        status_code=HTTPStatus.NO_CONTENT,
        tags=[_TAG],
        openapi_extra=_READ,
    )
    def delete_export(export_id: ExportId) -> Response:
        """Delete an export and its file."""
        runner.remove(_own(backend, export_id))
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _page(connection: Connection, asked: PageArguments) -> Page[Export]:
    after = None
    if asked.cursor:
        micros, export_id = read_cursor(asked.cursor, _TAG, [int, str])
        after = from_micros(int(micros)), str(export_id)
    owner = current_account().actor
    found = list_exports(connection, owner, after=after, limit=asked.limit + 1)
    page = found[: asked.limit]
    following = None
    if len(found) > asked.limit:
        following = write_cursor(_TAG, [to_micros(page[-1].created_at), page[-1].id])
    return Page[Export](items=[Export.model_validate(one) for one in page], next=following)


def _chosen(connection: Connection, new: NewExport) -> list[str]:
    """Return the sources to export, [] for all. Raises what is not there for the asker."""
    for run_id in new.runs:
        run_key(connection, run_id, within=visible_sources())
    if new.sources:
        return [require_source(connection, one) for one in new.sources]
    names = visible_names(connection)
    if names is not None and not names:
        raise ApiError("not-found", "this token sees no source")
    return sorted(names or ())


def _own(backend: Backend, export_id: str) -> StoredExport:
    return in_snapshot(backend.engine, find_export, export_id, current_account().actor)


def _file(backend: Backend, runner: ExportRunner, export: StoredExport) -> FilePath:
    """Return the file of an export. Raises ApiError if there is none."""
    if export.state is not ExportState.DONE:
        raise ApiError("conflict", f"the export is {export.state}", hint="Ask for it again later")
    path = runner.path(export)
    if in_snapshot(backend.engine, last_erasure) != export.erasure or not path.is_file():
        path.unlink(missing_ok=True)
        raise ApiError("conflict", "data was erased since this export", hint="Export again")
    return path
