"""The routes of the list of recordings: its pages, and what is done with many of them at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from analytics.export.exporter import csv_text, provenance_text
from analytics.export.record_pages import Selection
from analytics.history.rollups import roll_up_all
from analytics.recordings.listing import (
    MOST_ROWS,
    PAGE_ROWS,
    RecordingQuery,
    Show,
    SortKey,
    matching_run_ids,
)
from analytics.recordings.provenance import provenance_of
from analytics.removal.erasure import erase_runs
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError, SettingsError
from dashboard.recordings.answers import list_json
from dashboard.recordings.file_response import OpenFileResponse
from records.audit_actions import Action
from records.runs.recorded_time import set_recorded_at
from records.runs.state_changes import cancel_run
from serving.access import Role, current_account, require_role
from serving.audit_trail import AuditTrail
from serving.backend import Backend
from serving.downloads import parquet_file
from serving.ownership import require_own_results, require_run

MOST_AT_ONCE: Final = 200
"""Recordings in one request that changes or exports them by id."""

RunId = Annotated[str, Field(min_length=1, max_length=24)]
Words = Annotated[str, Query(max_length=200)]
Runs = Annotated[list[RunId], Query(max_length=MOST_AT_ONCE)]


class ChosenRuns(BaseModel):
    """The recordings that are meant."""

    runs: Annotated[list[RunId], Field(min_length=1, max_length=MOST_AT_ONCE)]


class RecordedTime(BaseModel):
    """When a recording begins: ISO 8601 with an offset."""

    recorded_at: AwareDatetime


def add_library_routes(router: APIRouter, backend: Backend, trail: AuditTrail) -> None:
    """Add the routes. Lists and exports are for viewers, as single results are."""
    _add_list(router, backend)
    _add_exports(router, backend, trail)
    _add_changes(router, backend, trail)


def _add_list(router: APIRouter, backend: Backend) -> None:
    @router.get("/list")
    def listed(  # noqa: PLR0913, PLR0917  (one parameter per part of the question)
        q: Words = "",
        show: Show = Show.ALL,
        sort: SortKey = SortKey.QUEUED,
        order: Literal["asc", "desc"] = "desc",
        offset: Annotated[int, Query(ge=0, le=10**7)] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = PAGE_ROWS,
    ) -> dict[str, Any]:
        query = RecordingQuery(q, show, sort, order == "desc", offset, limit)
        return list_json(backend, query)

    @router.get("/ids")
    def ids(q: Words = "", show: Show = Show.ALL) -> dict[str, Any]:
        query = RecordingQuery(q, show)
        found = in_snapshot(backend.engine, matching_run_ids, query, most=MOST_ROWS)
        return {"runs": found, "most": MOST_ROWS}


def _add_exports(router: APIRouter, backend: Backend, trail: AuditTrail) -> None:
    engine = backend.engine

    def chosen(runs: list[str], q: str, show: Show) -> tuple[str, ...]:
        """Return the recordings to export. Raises SettingsError: no run would mean all of them."""
        found = tuple(runs) or in_snapshot(engine, matching_run_ids, RecordingQuery(q, show))
        if not found:
            raise SettingsError("no recording matches", hint="Change the search")
        return found

    @router.get("/export/csv")
    def csv(runs: Runs = [], q: Words = "", show: Show = Show.ALL) -> StreamingResponse:  # noqa: B006
        found = chosen(runs, q, show)
        text = csv_text(engine, Selection(run_ids=found, frames=True))
        trail.write_exported(file="csv", recordings=len(found), first=found[0])
        return StreamingResponse(text, media_type="text/csv", headers=_attachment("recordings.csv"))

    @router.get("/export/parquet")
    def parquet(runs: Runs = [], q: Words = "", show: Show = Show.ALL) -> OpenFileResponse:  # noqa: B006
        found = chosen(runs, q, show)
        file = parquet_file(backend, Selection(run_ids=found, frames=True))
        trail.write_exported(file="parquet", recordings=len(found), first=found[0])
        return OpenFileResponse(file, "recordings.parquet")

    @router.get("/export/provenance")
    def provenance(runs: Runs = [], q: Words = "", show: Show = Show.ALL) -> Response:  # noqa: B006
        return provenance_response(backend, chosen(runs, q, show), "recordings.csv")


def provenance_response(backend: Backend, run_ids: tuple[str, ...], file: str) -> Response:
    """Return the provenance of these runs as a file, to stand beside an exported `file`."""
    card = backend.model_card()
    runs = in_snapshot(backend.engine, provenance_of, run_ids, card)
    text = provenance_text(runs, Selection(run_ids=run_ids, frames=True), file=file)
    headers = _attachment(f"{file}.provenance.json")
    return Response(text, media_type="application/json", headers=headers)


def _add_changes(router: APIRouter, backend: Backend, trail: AuditTrail) -> None:
    engine = backend.engine

    @router.post("/run/{run_id}/time")
    def set_time(run_id: str, given: RecordedTime) -> dict[str, str]:
        account = require_run(backend, run_id)
        at: datetime = given.recorded_at
        set_recorded_at(engine, run_id, at, actor=account.actor)
        roll_up_all(engine, newest_first=True)
        return {"recorded_at": at.isoformat()}

    @router.post("/bulk/again")
    def again(chosen: ChosenRuns) -> dict[str, Any]:
        def queue(run_id: str) -> None:
            require_run(backend, run_id)
            new = backend.recordings.queue_again(run_id)
            trail.write(Action.RUN_REPEATED, run=run_id, new=new)

        return _for_each(chosen.runs, queue)

    @router.post("/bulk/cancel")
    def cancel(chosen: ChosenRuns) -> dict[str, Any]:
        def stop(run_id: str) -> None:
            require_run(backend, run_id)
            if cancel_run(engine, run_id):
                trail.write(Action.RUN_CANCELLED, run=run_id)

        return _for_each(chosen.runs, stop)

    @router.post("/bulk/delete")
    def delete(chosen: ChosenRuns) -> dict[str, Any]:
        require_role(Role.OPERATOR)
        allowed: list[str] = []

        def check(run_id: str) -> None:
            require_own_results(backend, run_id)
            allowed.append(run_id)

        result = _for_each(chosen.runs, check)
        if allowed:
            receipt = erase_runs(
                engine,
                allowed,
                actor=current_account().actor,
                delete_copies=backend.forget_erased,
            )
            result |= {"done": receipt.runs, "remains": receipt.remains}
        return result


def _for_each(run_ids: list[str], act: Callable[[str], object]) -> dict[str, Any]:
    """Do something for each run; return how many it worked for, and why not for the others."""
    failed = []
    for run_id in run_ids:
        try:
            act(run_id)
        except MoodlineError as exc:
            failed.append({"run": run_id, "error": exc.line()})
    return {"done": len(run_ids) - len(failed), "failed": failed}


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
