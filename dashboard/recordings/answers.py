"""The answers of the page Recordings, as its script gets them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from analytics.recordings.listing import RecordingQuery, list_recordings
from analytics.runs.frame_faces import faces_between
from analytics.runs.reports.report import run_report
from analytics.runs.reports.report_text import headline
from analytics.runs.track_timelines import track_timelines
from analytics.runs.turned_faces import picture_turn
from analytics.snapshots import in_snapshot, snapshot
from contracts.errors import FeatureUnavailableError
from dashboard.web.json_values import json_values
from records.uploads.stored import StoredUpload
from records.uploads.uploads import MAX_CHUNK_BYTES
from serving.access import Role, current_account
from serving.backend import Backend
from serving.ownership import own_runs, owns_run, owns_upload
from serving.services import CopyState, MediaAccess


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """An upload as the page shows it, without its path on the server."""

    id: str
    name: str
    size: int
    received: int
    run_id: str | None
    error: str
    changed_at: datetime
    goes_at: datetime | None

    @classmethod
    def of(cls, line: StoredUpload) -> Self:
        """Leave out the path."""
        return cls(
            line.id,
            line.name,
            line.size,
            line.received,
            line.run_id,
            line.error,
            line.changed_at,
            line.expires_at,
        )


@dataclass(frozen=True, slots=True)
class UploadArea:
    """The uploads, and what may be sent. kept_days: None keeps uploads until they are removed."""

    uploads: tuple[UploadStatus, ...] = ()
    folders: tuple[Path, ...] = ()
    most_bytes: int = 0
    kept_days: int | None = None

    @classmethod
    def read(cls, backend: Backend, run_ids: Sequence[str]) -> Self:
        """Return the viewer's uploads: those without a run, and those of these runs.

        An empty area if this dashboard takes no recordings.
        """
        account = current_account()
        try:
            service = backend.recordings
            own = (one for one in service.uploads.listed(run_ids) if owns_upload(account, one))
            return cls(
                tuple(UploadStatus.of(one) for one in own),
                tuple(service.readable_folders()) if account.role.covers(Role.OPERATOR) else (),
                service.uploads.max_bytes,
                service.uploads.kept_days,
            )
        except FeatureUnavailableError:
            return cls()


def list_json(backend: Backend, query: RecordingQuery) -> dict[str, Any]:
    """Return a page of the recordings, each with its upload, and the uploads without a run.

    is_own: whether the viewer may cancel and retry the run.
    """
    page = in_snapshot(backend.engine, list_recordings, query)
    run_ids = [line.run.run_id for line in page.lines]
    area = UploadArea.read(backend, run_ids)
    by_run = {one.run_id: one for one in area.uploads if one.run_id}
    own = own_runs(backend, run_ids)
    return {
        "runs": [
            json_values(line.run)
            | {
                "upload": json_values(by_run.get(line.run.run_id)),
                "is_own": line.run.run_id in own,
                "tags": line.tags,
            }
            for line in page.lines
        ],
        "total": page.total,
        "counts": page.counts,
        "all": page.all,
        "uploads": [json_values(one) for one in area.uploads if not one.run_id],
        "folders": json_values(area.folders),
        "most_bytes": area.most_bytes,
        "kept_days": area.kept_days,
        "chunk": MAX_CHUNK_BYTES,
    }


def run_json(backend: Backend, run_id: str) -> dict[str, Any]:
    """Return the results of a run. Raises RunNotFoundError."""
    with snapshot(backend.engine) as connection:
        report = run_report(connection, run_id)
        tracks = track_timelines(connection, run_id)
        turn = picture_turn(connection, run_id)
    access, copy_state = MediaAccess.GONE, CopyState.NONE
    is_own = owns_run(backend, run_id)
    try:
        # A viewer reads that an operator can play it.
        may_play = is_own or current_account().role is Role.VIEWER
        access = backend.recordings.media_access(run_id) if may_play else MediaAccess.GONE
        copy_state = backend.recordings.annotated_copy(run_id).state
    except FeatureUnavailableError:
        pass  # The results can be read without the recording.
    return {
        "summary": json_values(report.summary),
        "headline": headline(report),
        "span_s": report.span_s,
        "buckets": [json_values(one) | {"gap": one.is_gap} for one in report.buckets],
        "lanes": json_values(tracks.timelines),
        "left_out": tracks.left_out,
        "moments": json_values(tracks.moments),
        "step_s": tracks.step_s,
        "playable": access is MediaAccess.WHOLE,
        "media": access,
        "annotated": copy_state,
        "turn": json_values(turn),
        "may_change": is_own,
    }


def faces_json(backend: Backend, run_id: str, since_s: float, until_s: float) -> dict[str, Any]:
    """Return the faces of the frames in a stretch of media time, as arrays: they are many.

    A frame is [media_s, faces], a face an array of the values of FaceReading.
    Raises RunNotFoundError.
    """
    page = in_snapshot(backend.engine, faces_between, run_id, since_s, until_s)
    frames = [[one.media_s, [[*astuple(face)] for face in one.faces]] for one in page.frames]
    return {"frames": frames, "until_s": page.until_s}
