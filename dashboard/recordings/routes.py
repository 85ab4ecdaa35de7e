"""What the page Recordings asks: uploads in pieces, the queue, and one run's results."""

import os
import tempfile
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from analytics.export.exporter import export_records
from analytics.export.record_pages import Selection
from analytics.runs.report import headline, run_report
from analytics.runs.run_list import list_runs
from analytics.runs.track_timelines import faces_between, run_lanes
from contracts.errors import MoodlineError
from contracts.runs import RunKind
from dashboard.report.page import summary_page
from dashboard.web.access import LOCAL, Role, require
from dashboard.web.backend import Backend, UnavailableError
from records.runs.queue import cancel_run, retry_run
from records.uploads import CHUNK, UploadLine

_MOST_RUNS: Final = 200
_LONGEST_LOOK_S: Final = 120.0

Second = Annotated[float, Query(ge=0, le=10**9, allow_inf_nan=False)]


class Begun(BaseModel):
    """A file that is to be sent. mark: what tells it from others of that name and size."""

    name: Annotated[str, Field(min_length=1, max_length=400)]
    size: Annotated[int, Field(gt=0, lt=2**50)]
    mark: Annotated[str, Field(max_length=128)] = ""


class Place(BaseModel):
    """A file or folder on the server."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]


def routes(backend: Backend) -> APIRouter:
    """See each. Who sends, queues, cancels, or sees the pictures themselves is an operator."""
    router = APIRouter()
    _add_queue(router, backend)
    _add_uploads(router, backend)
    _add_results(router, backend)
    return router


def _add_queue(router: APIRouter, backend: Backend) -> None:
    @router.get("/list")
    def listed() -> Any:
        return _plain(_listed(backend))

    @router.post("/folder")
    def folder(place: Place) -> dict[str, Any]:
        person = require(Role.OPERATOR)
        queued, refused = backend.recordings.take_folder(place.path, anywhere=person == LOCAL)
        return {"queued": queued, "refused": refused[:20]}

    @router.post("/cancel/{run_id}")
    def cancel(run_id: str) -> dict[str, bool]:
        require(Role.OPERATOR)
        return {"ended": cancel_run(backend.engine, run_id)}

    @router.post("/retry/{run_id}")
    def retry(run_id: str) -> dict[str, bool]:
        require(Role.OPERATOR)
        if backend.recordings.file_of(run_id) is None:
            raise MoodlineError("the recording is not here any more", hint="Send it again")
        return {"queued": retry_run(backend.engine, run_id)}


def _add_uploads(router: APIRouter, backend: Backend) -> None:
    @router.post("/upload")
    def begin(begun: Begun) -> Any:
        person = require(Role.OPERATOR)
        uploads = backend.recordings.uploads
        return _plain(_told(uploads.begin(begun.name, begun.size, begun.mark, person.name)))

    @router.get("/upload/{upload}")
    def where(upload: str) -> Any:
        require(Role.OPERATOR)
        return _plain(_told(backend.recordings.uploads.find(upload)))

    @router.put("/upload/{upload}")
    async def piece(
        upload: str, request: Request, offset: Annotated[int, Query(ge=0)]
    ) -> dict[str, int]:
        require(Role.OPERATOR)
        data = await request.body()
        uploads = backend.recordings.uploads
        return {"received": await run_in_threadpool(uploads.append, upload, offset, data)}

    @router.post("/upload/{upload}/finish")
    def finish(upload: str) -> dict[str, str]:
        require(Role.OPERATOR)
        line = backend.recordings.uploads.find(upload)
        if line.received != line.size:
            raise MoodlineError(f"{line.name}: go on at byte {line.received}")
        return {"run": line.run_id or backend.recordings.take_upload(line)}

    @router.delete("/upload/{upload}")
    def remove(upload: str) -> dict[str, str]:
        require(Role.OPERATOR)
        backend.recordings.uploads.remove(upload)
        return {"removed": upload}


def _add_results(router: APIRouter, backend: Backend) -> None:
    engine = backend.engine

    @router.get("/run/{run_id}")
    def run(run_id: str) -> Any:
        return _plain(_result(backend, run_id))

    @router.get("/run/{run_id}/faces")
    def faces(run_id: str, since: Second, until: Second) -> dict[str, Any]:
        return asdict(faces_between(engine, run_id, since, min(until, since + _LONGEST_LOOK_S)))

    @router.get("/run/{run_id}/media")
    def media(run_id: str) -> FileResponse:
        require(Role.OPERATOR)
        path = backend.recordings.file_of(run_id)
        if path is None:
            raise MoodlineError("the recording is not here any more")
        return FileResponse(path, content_disposition_type="inline")

    @router.get("/run/{run_id}/csv")
    def csv(run_id: str) -> FileResponse:
        handle, name = tempfile.mkstemp(prefix="moodline-", suffix=".csv")
        os.close(handle)
        path = Path(name)
        try:
            export_records(engine, Selection(run_ids=(run_id,), frames=True), path)
        except BaseException:  # Also of a cancelled one no half file is left.
            path.unlink(missing_ok=True)
            raise
        gone = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type="text/csv", filename=f"{run_id}.csv", background=gone)

    @router.get("/run/{run_id}/summary")
    def summary(run_id: str) -> HTMLResponse:
        disposition = {"Content-Disposition": f'attachment; filename="summary-{run_id}.html"'}
        return HTMLResponse(summary_page(run_report(engine, run_id)), headers=disposition)

    @router.post("/run/{run_id}/annotate")
    def annotate(run_id: str) -> dict[str, str]:
        require(Role.OPERATOR)
        backend.recordings.annotate(run_id)
        return {"state": backend.recordings.annotated(run_id)[0]}

    @router.delete("/run/{run_id}/annotated")
    def delete_copy(run_id: str) -> dict[str, str]:
        person = require(Role.OPERATOR)
        run_report(engine, run_id)
        actor = person.name or "dashboard on this machine"
        backend.recordings.delete_copy(run_id, actor=actor)
        return {"state": backend.recordings.annotated(run_id)[0]}

    @router.get("/run/{run_id}/annotated")
    def annotated(run_id: str) -> FileResponse:
        require(Role.OPERATOR)
        run_report(engine, run_id)  # Only names of runs lead to files.
        state, path = backend.recordings.annotated(run_id)
        if state != "done":
            raise MoodlineError("there is no annotated copy yet", hint="Have it drawn first")
        return FileResponse(path, media_type="video/mp4", filename=f"{run_id}-annotated.mp4")


def _listed(backend: Backend) -> dict[str, Any]:
    runs = [asdict(one) for one in list_runs(backend.engine, limit=_MOST_RUNS, kind=RunKind.FILE)]
    uploads, folders, most, kept = [], [], 0, None
    try:
        desk = backend.recordings
        uploads = [_told(one) for one in desk.uploads.listed()]
        folders = [str(one) for one in desk.folders()]
        most, kept = desk.uploads.most_bytes, desk.uploads.kept_days
    except UnavailableError:
        pass  # A dashboard for looking on alone.
    by_run = {one["run_id"]: one for one in uploads if one["run_id"]}
    for run in runs:
        run["upload"] = by_run.get(run["run_id"])
    return {
        "runs": runs,
        "uploads": [one for one in uploads if not one["run_id"]],
        "folders": folders,
        "most_bytes": most,
        "kept_days": kept,
        "chunk": CHUNK,
    }


def _result(backend: Backend, run_id: str) -> dict[str, Any]:
    report = run_report(backend.engine, run_id)
    lanes = run_lanes(backend.engine, run_id)
    playable, annotated = False, "none"
    try:
        playable = backend.recordings.file_of(run_id) is not None
        annotated = backend.recordings.annotated(run_id)[0]
    except UnavailableError:
        pass
    return {
        "summary": asdict(report.summary),
        "headline": headline(report),
        "span_s": report.span_s,
        "buckets": [asdict(one) | {"gap": one.is_gap} for one in report.buckets],
        **asdict(lanes),
        "playable": playable,
        "annotated": annotated,
    }


def _told(line: UploadLine) -> dict[str, Any]:
    values = asdict(line)
    del values["path"]
    return values


def _plain(values: Any) -> Any:
    """Moments as seconds since 1970, for the viewer's own clock."""
    if isinstance(values, datetime):
        return values.timestamp()
    if isinstance(values, dict):
        return {name: _plain(one) for name, one in values.items()}
    if isinstance(values, (list, tuple)):
        return [_plain(one) for one in values]
    return values
