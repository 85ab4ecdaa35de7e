"""GET /runs/{run_id}/faces, /frames and /tracks: the rows of a run, page by page in key order."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query
from pydantic import Field
from sqlalchemy import Connection

from analytics.export.columns import COLUMNS, Kind
from analytics.export.record_pages import Record, run_page
from analytics.runs.frame_faces import first_frame
from analytics.runs.frames import LAST_FRAME, run_frames
from analytics.runs.run_list import run_key
from analytics.runs.tracks import run_tracks
from analytics.snapshots import in_snapshot
from api.access import visible_names, visible_sources
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.fields import Answer
from api.conventions.pages import Page, PageArguments
from api.resources.history.measured import Share
from api.resources.runs.reading import RunId
from contracts.times import MICROS, from_micros
from serving.backend import Backend

_SECONDS = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]


class RowArguments(PageArguments):
    """Which rows: those of the frames in a stretch of media time."""

    media_time_from: Annotated[_SECONDS | None, Field(description="Seconds; included.")] = None
    media_time_to: Annotated[_SECONDS | None, Field(description="Seconds; not included.")] = None


class Face(Answer):
    """One face in one frame: the columns of an export. An empty cell is `null`."""

    source: str
    run_id: str
    frame_index: int
    media_time_s: float
    captured_at: datetime
    track_id: int
    x: float = Field(description="Pixels of the upright picture, as y, w and h.")
    y: float
    w: float
    h: float
    emotion: str | None = Field(description="In this frame alone; `null` if it is uncertain.")
    confidence: Share
    angry: Share
    disgust: Share
    fear: Share
    happy: Share
    sad: Share
    surprise: Share
    neutral: Share
    smoothed_emotion: str | None = Field(description="Over time; use this one for trends.")
    quality: Share
    model_version: str
    roll: float | None
    yaw: float | None
    pitch: float | None
    mark: str | None = Field(description="Why the track does not count: static or tentative.")
    zones: str | None
    dwell_s: float = Field(description="The time that the frame stands for.")
    rotate: int
    mirror: int
    min_face_px: int | None
    keep_static: int
    copy_of: str | None
    eye_openness: float | None
    mouth_openness: float | None


class Frame(Answer):
    """One analysed frame. face_count: faces in it that count."""

    frame_index: int
    media_time_s: float
    captured_at: datetime
    dwell_s: float
    face_count: int


class Track(Answer):
    """One face followed through the run. Times are media time."""

    track_id: int
    first_s: float
    last_s: float
    faces: int
    mark: str | None = Field(description="Why it does not count: static or tentative.")


def add_run_rows(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""

    @app.get("/runs/{run_id}/faces", tags=["runs"])
    def list_faces(run_id: RunId, asked: Annotated[RowArguments, Query()]) -> Page[Face]:
        """The faces of a run, by frame and track: the rows of an export."""
        return in_snapshot(backend.engine, _faces, run_id, asked)

    @app.get("/runs/{run_id}/frames", tags=["runs"])
    def list_frames(run_id: RunId, asked: Annotated[RowArguments, Query()]) -> Page[Frame]:
        """The analysed frames of a run, in order."""
        return in_snapshot(backend.engine, _frames, run_id, asked)

    @app.get("/runs/{run_id}/tracks", tags=["runs"])
    def list_tracks(run_id: RunId, asked: Annotated[PageArguments, Query()]) -> Page[Track]:
        """The tracks of a run."""
        return in_snapshot(backend.engine, _tracks, run_id, asked)


def _faces(connection: Connection, run_id: str, asked: RowArguments) -> Page[Face]:
    since, until = _frames_between(connection, run_id, asked)
    after = (since - 1, _LAST_TRACK)
    if asked.cursor:
        frame, track = read_cursor(asked.cursor, "faces", [int, int])
        after = max(after, (int(frame), int(track)))
    found = run_page(connection, run_id, after=after, until_frame=until, limit=asked.limit + 1)
    rows = found[: asked.limit]
    names = visible_names(connection)
    return Page[Face](
        items=[_face(one, hides_copy=names is not None) for one in rows],
        next=write_cursor("faces", rows[-1].key) if len(found) > asked.limit else None,
    )


def _frames(connection: Connection, run_id: str, asked: RowArguments) -> Page[Frame]:
    since, until = _frames_between(connection, run_id, asked)
    if asked.cursor:
        since = max(since, int(read_cursor(asked.cursor, "frames", [int])[0]) + 1)
    key = run_key(connection, run_id)
    found = run_frames(connection, key, since, until, limit=asked.limit + 1)
    rows = found[: asked.limit]
    more = len(found) > asked.limit
    return Page[Frame](
        items=[Frame.model_validate(one) for one in rows],
        next=write_cursor("frames", [rows[-1].frame_index]) if more else None,
    )


def _tracks(connection: Connection, run_id: str, asked: PageArguments) -> Page[Track]:
    run_key(connection, run_id, within=visible_sources())
    after = int(read_cursor(asked.cursor, "tracks", [int])[0]) if asked.cursor else -1
    found = run_tracks(connection, run_id, after=after, limit=asked.limit + 1)
    rows = found[: asked.limit]
    more = len(found) > asked.limit
    return Page[Track](
        items=[
            Track(
                track_id=one.track_id,
                first_s=one.first_s,
                last_s=one.last_s,
                faces=one.faces,
                mark=one.mark or None,
            )
            for one in rows
        ],
        next=write_cursor("tracks", [rows[-1].track_id]) if more else None,
    )


def _frames_between(connection: Connection, run_id: str, asked: RowArguments) -> tuple[int, int]:
    """Return the frames [first, end) of the stretch. Raises RunNotFoundError."""
    key = run_key(connection, run_id, within=visible_sources())
    since, until = asked.media_time_from, asked.media_time_to
    return (
        0 if since is None else first_frame(connection, key, since),
        LAST_FRAME if until is None else first_frame(connection, key, until),
    )


_LAST_TRACK = 2**31 - 1
_CONVERT: dict[Kind, Callable[[Any], Any]] = {
    Kind.MEDIA_TIME: lambda micros: micros / MICROS,
    Kind.MOMENT: from_micros,
}


def _face(record: Record, *, hides_copy: bool) -> Face:
    """hides_copy: whether the run from which it was copied may be of another's source."""
    fields = {
        column.name: value if value is None else _CONVERT.get(column.kind, _same)(value)
        for column, value in zip(COLUMNS, record.values(), strict=True)
    }
    if hides_copy:
        fields["copy_of"] = None
    return Face.model_construct(**fields)


def _same(value: Any) -> Any:
    return value
