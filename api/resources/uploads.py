"""Uploads: a recording is sent in chunks, and then analysed by POST /runs."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from api.access import visible_sources
from api.conventions.fields import Answer, Body, Text, example
from api.conventions.problems import documented_problems
from contracts.errors import ApiError, UploadError
from records.audit_actions import Action
from records.uploads.stored import StoredUpload
from records.uploads.uploads import MAX_CHUNK_BYTES
from serving.access import current_account
from serving.audit_trail import AuditTrail
from serving.backend import Backend
from serving.ownership import own_upload

_TAG: Final = "runs"
_BYTES: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
UploadId = Annotated[str, Path(min_length=1, max_length=64, description="Id of the upload.")]


class NewUpload(Body):
    """A file to be sent."""

    model_config = Body.model_config | example(name="interview.mp4", size=7340032)

    name: Annotated[Text, Field(min_length=1, max_length=400)]
    size: Annotated[int, Field(ge=1, lt=2**50, description="Bytes of the whole file.")]


class Upload(Answer):
    """A file that is being sent, or was."""

    id: str
    name: str
    size: int
    received: int = Field(description="Bytes received: the offset of the next chunk.")
    chunk: int = Field(description="Most bytes of one chunk.")
    run_id: str | None
    error: str
    changed_at: datetime


def add_uploads(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""
    trail = AuditTrail(backend.engine)

    @app.post("/uploads", status_code=HTTPStatus.CREATED, tags=[_TAG])
    def create_upload(new: NewUpload) -> Upload:
        """Begin to send a recording, or continue an unfinished one of the same name and size."""
        uploads = backend.recordings.uploads
        return _shown(uploads.start(new.name, new.size, "", current_account().name))

    @app.get("/uploads/{upload_id}", tags=[_TAG])
    def get_upload(upload_id: UploadId) -> Upload:
        """How much of a recording was received."""
        return _shown(_own(backend, upload_id))

    @app.put(
        "/uploads/{upload_id}",
        tags=[_TAG],
        openapi_extra=_BYTES,
        responses=documented_problems("conflict", "too-large", "disk-full"),
    )
    async def send_chunk(
        upload_id: UploadId,
        request: Request,
        offset: Annotated[int, Query(ge=0, lt=2**50, description="`received` so far.")],
    ) -> Upload:
        """Send the next bytes of a recording."""
        upload = await run_in_threadpool(_own, backend, upload_id)
        if offset != upload.received:
            raise ApiError(
                "conflict",
                f"{upload.received} bytes were received, and the chunk begins at {offset}",
                hint=f"Continue at byte {upload.received}",
            )
        data = await request.body()
        await run_in_threadpool(backend.recordings.uploads.append, upload.id, offset, data)
        return _shown(await run_in_threadpool(_own, backend, upload_id))

    @app.delete("/uploads/{upload_id}", status_code=HTTPStatus.NO_CONTENT, tags=[_TAG])
    def delete_upload(upload_id: UploadId) -> Response:
        """Delete the file of an upload. The results of its run stay."""
        upload = _own(backend, upload_id)
        backend.recordings.uploads.remove(upload.id)
        trail.write(Action.UPLOAD_DELETED, file=upload.name, run=upload.run_id or "")
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _own(backend: Backend, upload_id: str) -> StoredUpload:
    try:
        found = own_upload(backend, upload_id)
    except UploadError as exc:
        raise ApiError("not-found", str(exc), hint=exc.hint) from exc
    if visible_sources() is not None and found.owner != current_account().name:
        raise ApiError("not-found", "there is no such upload")
    return found


def _shown(upload: StoredUpload) -> Upload:
    return Upload(
        id=upload.id,
        name=upload.name,
        size=upload.size,
        received=upload.received,
        chunk=MAX_CHUNK_BYTES,
        run_id=upload.run_id,
        error=upload.error,
        changed_at=upload.changed_at,
    )
