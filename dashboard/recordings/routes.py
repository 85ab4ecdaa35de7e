"""The routes of the page Recordings: uploads in chunks, the queue, and the results of a run."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from analytics.export.exporter import csv_text
from analytics.export.record_pages import Selection
from analytics.runs.reports.report import run_report
from analytics.runs.run_list import find_runs
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError, SourceError
from dashboard.recordings.answers import UploadStatus, faces_json, run_json
from dashboard.recordings.file_response import OpenFileResponse
from dashboard.recordings.library_routes import add_library_routes, provenance_response
from dashboard.report.page import report_page
from dashboard.web.json_values import json_values
from records.audit_actions import Action
from records.runs.state_changes import cancel_run
from serving.access import Role, require_role
from serving.audit_trail import AuditTrail
from serving.backend import Backend
from serving.downloads import parquet_file
from serving.ownership import own_upload, require_run
from serving.picture_fields import PictureFields
from serving.services import RecordingDetails

_MAX_REFUSED: Final = 20
_MAX_FACES_S: Final = 120.0

Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")]], Field(max_length=20)
]
Second = Annotated[float, Query(ge=0, le=10**9, allow_inf_nan=False)]


class SentFile(PictureFields):
    """A file that was sent, how its pictures are read, and what its user says about it.

    modified_at: when it was last changed, in seconds since 1970. source: "" for the file's name.
    """

    modified_at: Annotated[float, Field(ge=0, le=2**40, allow_inf_nan=False)] | None = None
    source: Annotated[str, Field(max_length=100)] = ""
    tags: Tags = Field(default_factory=list)
    recorded_at: AwareDatetime | None = None

    def details(self) -> RecordingDetails:
        """Return what is said about the recording."""
        return RecordingDetails(self.source.strip(), tuple(self.tags), self.recorded_at)


class NewUpload(BaseModel):
    """A file to be sent. mark: tells it apart from other files of the same name and size."""

    name: Annotated[str, Field(min_length=1, max_length=400)]
    size: Annotated[int, Field(ge=0, lt=2**50)]
    mark: Annotated[str, Field(max_length=128)] = ""


class ServerPath(PictureFields):
    """A file or folder on the server, and how its pictures are read."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    tags: Tags = Field(default_factory=list)


def routes(backend: Backend) -> APIRouter:
    """Return the routes. Results are for viewers; changes and videos need the role operator."""
    router, trail = APIRouter(), AuditTrail(backend.engine)
    add_library_routes(router, backend, trail)
    _add_queue(router, backend, trail)
    _add_uploads(router, backend, trail)
    _add_results(router, backend)
    _add_downloads(router, backend, trail)
    _add_annotated_copy(router, backend, trail)
    return router


def _add_queue(router: APIRouter, backend: Backend, trail: AuditTrail) -> None:
    @router.post("/folder")
    def folder(place: ServerPath) -> dict[str, Any]:
        require_role(Role.OPERATOR)
        result = backend.recordings.queue_folder(
            place.path, place.pictures(), RecordingDetails(tags=tuple(place.tags))
        )
        trail.write(Action.FOLDER_QUEUED, path=place.path, recordings=result.queued)
        return {"queued": result.queued, "refused": result.refused[:_MAX_REFUSED]}

    @router.post("/cancel/{run_id}")
    def cancel(run_id: str) -> dict[str, bool]:
        require_run(backend, run_id)
        ended = cancel_run(backend.engine, run_id)
        trail.write(Action.RUN_CANCELLED, run=run_id)
        return {"ended": ended}

    @router.post("/retry/{run_id}")
    def retry(run_id: str) -> Any:
        require_run(backend, run_id)
        if not backend.recordings.has_recording(run_id):
            raise SourceError("the recording is no longer on this host", hint="Upload it again")
        tried = backend.recordings.try_again(run_id)
        trail.write(Action.RUN_RETRIED, run=run_id, as_run=tried.run_id)
        return {"queued": tried.queued, "run": tried.run_id}


def _add_uploads(router: APIRouter, backend: Backend, trail: AuditTrail) -> None:
    @router.post("/upload")
    def begin(new: NewUpload) -> Any:
        account = require_role(Role.OPERATOR)
        line = backend.recordings.uploads.start(new.name, new.size, new.mark, account.name)
        return json_values(UploadStatus.of(line))

    @router.get("/upload/{upload}")
    def status(upload: str) -> Any:
        return json_values(UploadStatus.of(own_upload(backend, upload)))

    @router.put("/upload/{upload}")
    async def chunk(
        upload: str, request: Request, offset: Annotated[int, Query(ge=0)]
    ) -> dict[str, int]:
        await run_in_threadpool(own_upload, backend, upload)
        data = await request.body()
        uploads = backend.recordings.uploads
        return {"received": await run_in_threadpool(uploads.append, upload, offset, data)}

    @router.post("/upload/{upload}/finish")
    def finish(upload: str, sent: SentFile | None = None) -> dict[str, str]:
        line = own_upload(backend, upload)
        if line.received != line.size:
            raise MoodlineError(
                f"{line.name} is not complete: {line.received} of {line.size} bytes were received",
                hint=f"Continue at byte {line.received}",
            )
        if line.run_id:
            return {"run": line.run_id}
        if sent is not None and sent.modified_at is not None:
            backend.recordings.uploads.set_modified(line.id, sent.modified_at)
        sent = sent or SentFile()
        run_id = backend.recordings.queue_upload(line, sent.pictures(), sent.details())
        trail.write(Action.UPLOADED, file=line.name, bytes=line.size, run=run_id)
        return {"run": run_id}

    @router.delete("/upload/{upload}")
    def remove(upload: str) -> dict[str, str]:
        line = own_upload(backend, upload)
        backend.recordings.uploads.remove(line.id)
        trail.write(Action.UPLOAD_DELETED, file=line.name, run=line.run_id or "")
        return {"removed": upload}


def _add_results(router: APIRouter, backend: Backend) -> None:
    @router.get("/run/{run_id}")
    def run(run_id: str) -> dict[str, Any]:
        return run_json(backend, run_id)

    @router.get("/run/{run_id}/faces")
    def faces(run_id: str, since: Second, until: Second) -> dict[str, Any]:
        return faces_json(backend, run_id, since, min(until, since + _MAX_FACES_S))


def _add_downloads(router: APIRouter, backend: Backend, trail: AuditTrail) -> None:
    engine = backend.engine

    @router.get("/run/{run_id}/media")
    def media(run_id: str) -> OpenFileResponse:
        require_run(backend, run_id)
        opened = OpenFileResponse(backend.recordings.open_recording(run_id))
        trail.write_opened(Action.RECORDING_OPENED, run=run_id)
        return opened

    @router.get("/run/{run_id}/csv")
    def csv(run_id: str) -> StreamingResponse:
        text = csv_text(engine, Selection(run_ids=(run_id,), frames=True))
        trail.write_exported(run=run_id, file="csv")
        disposition = {"Content-Disposition": f'attachment; filename="{run_id}.csv"'}
        return StreamingResponse(text, media_type="text/csv", headers=disposition)

    @router.get("/run/{run_id}/parquet")
    def parquet(run_id: str) -> OpenFileResponse:
        file = parquet_file(backend, Selection(run_ids=(run_id,), frames=True))
        trail.write_exported(run=run_id, file="parquet")
        return OpenFileResponse(file, f"{run_id}.parquet")

    @router.get("/run/{run_id}/provenance")
    def provenance(run_id: str) -> Response:
        in_snapshot(engine, find_runs, [run_id])
        return provenance_response(backend, (run_id,), f"{run_id}.csv")

    @router.get("/run/{run_id}/summary")
    def summary(run_id: str) -> HTMLResponse:
        disposition = {"Content-Disposition": f'attachment; filename="summary-{run_id}.html"'}
        page = report_page(in_snapshot(engine, run_report, run_id))
        trail.write_exported(run=run_id, file="summary")
        return HTMLResponse(page, headers=disposition)


def _add_annotated_copy(router: APIRouter, backend: Backend, trail: AuditTrail) -> None:
    @router.post("/run/{run_id}/annotate")
    def annotate(run_id: str) -> dict[str, str]:
        require_run(backend, run_id)
        backend.recordings.start_annotation(run_id)
        trail.write(Action.COPY_DRAWN, run=run_id)
        return {"state": backend.recordings.annotated_copy(run_id).state}

    @router.delete("/run/{run_id}/annotated")
    def delete_copy(run_id: str) -> dict[str, str]:
        account = require_run(backend, run_id)
        backend.recordings.delete_copy(run_id, actor=account.actor)
        return {"state": backend.recordings.annotated_copy(run_id).state}

    @router.get("/run/{run_id}/annotated")
    def annotated(run_id: str) -> OpenFileResponse:
        require_run(backend, run_id)
        filename = f"{run_id}-annotated.mp4"
        opened = OpenFileResponse(backend.recordings.open_copy(run_id), filename)
        trail.write_opened(Action.COPY_OPENED, run=run_id)
        return opened
