"""POST /runs, POST /runs/{run_id}/cancel and DELETE /runs/{run_id}."""

from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Response
from pydantic import AwareDatetime, Field, model_validator
from sqlalchemy import Connection

from analytics.removal.erasure import erase_runs
from analytics.runs.run_list import find_runs, run_key
from analytics.snapshots import in_snapshot
from api.access import require_source, visible_names, visible_sources
from api.conventions.fields import Answer, Body, Tags, Text, example
from api.conventions.problems import documented_problems
from api.conventions.route import needs
from api.resources.runs.reading import RunId
from api.resources.runs.run import Run, run_of
from contracts.errors import ApiError, NotAllowedError
from contracts.runs import ENDED_STATES
from records.audit_actions import Action
from records.runs.state_changes import cancel_run
from records.users.roles import TokenScope
from serving.access import current_account
from serving.audit_trail import AuditTrail
from serving.backend import Backend
from serving.ownership import own_upload, require_run
from serving.picture_fields import PictureFields
from serving.services import RecordingDetails

_MAX_REFUSED = 20
_TAG = "runs"


class NewRuns(Body, PictureFields):
    """Recordings to analyse: a file or folder of the server, or a complete upload."""

    model_config = Body.model_config | example(
        path="/videos/interview.mp4", source="interview", tags=["study-1"]
    )

    path: Annotated[
        Text | None,
        Field(min_length=1, max_length=4096, description="A file or folder that the owner allows."),
    ] = None
    upload: Annotated[Text | None, Field(max_length=64, description="Id of an upload.")] = None
    source: Annotated[
        Text, Field(max_length=100, description="The source's name. Default: the file's name.")
    ] = ""
    tags: Tags = Field(default_factory=list)
    recorded_at: Annotated[
        AwareDatetime | None, Field(description="When it begins. Default: as the file says.")
    ] = None

    @model_validator(mode="after")
    def _has_one(self) -> "NewRuns":
        if (self.path is None) == (self.upload is None):
            raise ValueError("give either path or upload")
        return self

    def details(self) -> RecordingDetails:
        """Return what is said about the recordings."""
        return RecordingDetails(self.source.strip(), tuple(self.tags), self.recorded_at)


class QueuedRuns(Answer):
    """The runs of the recordings. A recording that was analysed before keeps its run."""

    runs: list[Run]
    refused: list[str] = Field(description="One line for each file that is not analysed.")


def add_run_changes(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""
    trail = AuditTrail(backend.engine)

    @app.post("/runs", status_code=HTTPStatus.ACCEPTED, tags=[_TAG])
    def create_runs(new: NewRuns) -> QueuedRuns:
        """Analyse recordings. Ask for each run to follow it, or read /events."""
        _require_source(backend, new.source.strip())
        if new.upload is not None:
            return _queue_upload(backend, trail, new.upload, new)
        queued = backend.recordings.queue_folder(new.path or "", new.pictures(), new.details())
        trail.write(Action.FOLDER_QUEUED, path=new.path, recordings=queued.queued)
        runs = in_snapshot(backend.engine, _runs, queued.run_ids)
        return QueuedRuns(runs=runs, refused=[*queued.refused[:_MAX_REFUSED]])

    @app.post("/runs/{run_id}/cancel", tags=[_TAG])
    def cancel(run_id: RunId) -> Run:
        """End a run, and keep its rows. A run that has ended stays as it is."""
        in_snapshot(backend.engine, run_key, run_id, within=visible_sources())
        require_run(backend, run_id)
        if cancel_run(backend.engine, run_id):
            trail.write(Action.RUN_CANCELLED, run=run_id)
        return in_snapshot(backend.engine, _runs, (run_id,))[0]

    @app.delete(
        "/runs/{run_id}",
        status_code=HTTPStatus.NO_CONTENT,
        tags=[_TAG],
        openapi_extra=needs(TokenScope.ADMIN),
        responses=documented_problems("conflict"),
    )
    def delete_run(run_id: RunId) -> Response:
        """Delete the results of an ended run. They are erased, with a receipt in the audit."""
        in_snapshot(backend.engine, run_key, run_id, within=visible_sources())
        (run,) = in_snapshot(backend.engine, find_runs, [run_id])
        if run.state not in ENDED_STATES:
            raise ApiError("conflict", "the run has not ended", hint="Cancel it first")
        actor, forget = current_account().actor, backend.forget_erased
        erase_runs(backend.engine, [run_id], actor=actor, delete_copies=forget)
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _queue_upload(backend: Backend, trail: AuditTrail, upload_id: str, new: NewRuns) -> QueuedRuns:
    upload = own_upload(backend, upload_id)
    if upload.received != upload.size:
        raise ApiError(
            "conflict",
            f"{upload.name} is not complete: {upload.received} of {upload.size} bytes are here",
            hint=f"Continue at byte {upload.received}",
        )
    run_id = upload.run_id
    if run_id is None:
        run_id = backend.recordings.queue_upload(upload, new.pictures(), new.details())
        trail.write(Action.UPLOADED, file=upload.name, bytes=upload.size, run=run_id)
    return QueuedRuns(runs=in_snapshot(backend.engine, _runs, (run_id,)), refused=[])


def _require_source(backend: Backend, source: str) -> None:
    """Raise NotAllowedError if the asker is limited to sources, and names none of them."""
    if visible_sources() is None:
        return
    if not source:
        raise NotAllowedError(
            "this token is limited to sources", hint="Name the source of the recording"
        )
    in_snapshot(backend.engine, require_source, source)


def _runs(connection: Connection, run_ids: tuple[str, ...]) -> list[Run]:
    """Return those of the runs that the asker sees: a known recording may be of another source."""
    names = visible_names(connection)
    return [
        run_of(one, names)
        for one in find_runs(connection, run_ids)
        if names is None or one.source in names
    ]
