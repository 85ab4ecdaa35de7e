"""The rows of an export, read page by page in key order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    bindparam,
    cast,
    func,
    or_,
    select,
    type_coerce,
)

from analytics.export.columns import COLUMNS, MARK
from analytics.runs.run_list import run_not_found
from analytics.snapshots import snapshot
from contracts.errors import ExportError
from contracts.frame_results import TrackMark
from contracts.zones.picture_options import PictureOptions
from contracts.zones.zone import zones_text
from records.json_columns import decode_run_pictures
from records.sources.former_names import current_names
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run
from records.tables.sources import Source

PAGE_ROWS: Final = 20_000


class FaceRecord(NamedTuple):
    """The face columns of a row, in the order in which COLUMNS has them. x, y, w, h: pixels.

    emotion, smoothed_emotion: None if uncertain. roll, yaw, pitch: degrees, as in HeadPose; None if
    they are not known. mark: a TrackMark, None if the track counts. eye_openness, mouth_openness:
    as in FaceShape, None without landmarks.
    """

    track_id: int
    x: float
    y: float
    w: float
    h: float
    emotion: str | None
    confidence: float
    angry: float
    disgust: float
    fear: float
    happy: float
    sad: float
    surprise: float
    neutral: float
    smoothed_emotion: str | None
    quality: float
    roll: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    mark: str | None = None
    eye_openness: float | None = None
    mouth_openness: float | None = None


class Record(NamedTuple):
    """One row of an export. face: None if the frame has no faces.

    dwell_us: the time that the frame stands for. options: rotate, mirror, min_face_px and
    keep_static of the run. copy_of: the run from which the rows were copied, because its recording
    has the same content; None if this one was analysed itself. blendshapes: as they are stored,
    None without landmarks; not among the values.
    """

    source: str
    run_id: str
    frame_index: int
    media_time_us: int
    captured_at_us: int
    face: FaceRecord | None
    model_version: str
    zones: str = ""
    dwell_us: int = 0
    options: tuple[int | None, ...] = (0, 0, None, 0)
    copy_of: str | None = None
    blendshapes: bytes | None = None

    @property
    def key(self) -> tuple[int, int]:
        """The frame and track after which the next row comes.

        A frame without faces has one row: the next frame comes after it.
        """
        return self.frame_index, -1 if self.face is None else self.face.track_id

    def values(self) -> tuple[str | int | float | None, ...]:
        """Return the values in the order of COLUMNS, times in microseconds."""
        face = _NO_FACE if self.face is None else self.face
        pose_and_mark, openness = face[-_LATER:-_LATEST], face[-_LATEST:]
        of_run = (self.zones, self.dwell_us, *self.options, self.copy_of)
        later = (*pose_and_mark, *of_run, *openness)
        return (*self[:5], *face[:-_LATER], self.model_version, *later)


_NO_FACE: Final = (None,) * len(FaceRecord._fields)
_LATEST: Final = 2
_LATER: Final = 4 + _LATEST
"""The last columns of a face: pose, mark and openness came later, and stand at a row's end."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows to export: those that match all given conditions.

    An empty tuple or None selects all. since, until: of captured_at, UTC-aware; until is
    exclusive. frames: add a row for each frame without faces.
    """

    run_ids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    frames: bool = False


@dataclass(frozen=True, slots=True)
class _SelectedRun:
    run_pk: int
    source: str
    run_id: str
    model_version: str
    options: str
    copy_of: str | None

    @property
    def pictures(self) -> PictureOptions:
        """How its pictures were read."""
        return decode_run_pictures(self.options)


def record_pages(
    engine: Engine, selection: Selection, *, page_rows: int = PAGE_ROWS
) -> Iterator[list[Record]]:
    """Yield the selected rows, ordered by source name, run id, frame_index and track_id.

    Each page is read in a transaction of its own, so that a long export does not keep one open.
    Raises RunNotFoundError, and ExportError if a source does not exist.
    """
    statement = _page_statement(selection)
    for run in _selected_runs(engine, selection):
        after = (-1, -1)
        while True:
            with snapshot(engine) as connection:
                page = _page(connection, statement, run, after, page_rows)
            if page:
                yield page
            if len(page) < page_rows:
                break
            after = page[-1].key


def run_page(
    connection: Connection, run_id: str, *, after: tuple[int, int], until_frame: int, limit: int
) -> list[Record]:
    """Return the faces of a run after the row with this key, before the frame `until_frame`.

    limit: the most rows. Raises RunNotFoundError.
    """
    query = _runs_query().where(Run.run_id == run_id)
    row = connection.execute(query).first()
    if row is None:
        raise run_not_found(run_id)
    statement = _page_statement(Selection()).where(Frame.frame_index < until_frame)
    return _page(connection, statement, _SelectedRun(*row), after, limit)


def _page(
    connection: Connection,
    statement: Select[Any],
    run: _SelectedRun,
    after: tuple[int, int],
    page_rows: int,
) -> list[Record]:
    pictures = run.pictures
    zones, turn = zones_text(pictures.zones), pictures.turn
    min_face_px, keep_static = pictures.min_face_px, int(bool(pictures.keep_static))
    options = (turn.rotate, int(turn.mirror), min_face_px, keep_static)
    names = ("run", "last_frame", "last_track", "page_rows")
    given = dict(zip(names, (run.run_pk, *after, page_rows), strict=True))
    return [_record(run, zones, options, row) for row in connection.execute(statement, given)]


def _record(
    run: _SelectedRun, zones: str, options: tuple[int | None, ...], row: Row[Any]
) -> Record:
    frame_index, media_us, captured_us, dwell_us, blendshapes, *face = tuple(row)
    found = None if row.track_id is None else FaceRecord._make(face)
    begin = (run.source, run.run_id, frame_index, media_us, captured_us)
    of_run = (run.model_version, zones, dwell_us, options, run.copy_of)
    return Record(*begin, found, *of_run, blendshapes)


def _runs_query() -> Select[Any]:
    original = Run.__table__.alias("original")
    columns = (Run.id, Source.name, Run.run_id, Run.model_version, Run.options)
    return (
        select(*columns, original.c.run_id)
        .join(Source, Source.id == Run.source_pk)
        .outerjoin(original, original.c.id == Run.copy_of)
    )


def _selected_runs(engine: Engine, selection: Selection) -> list[_SelectedRun]:
    query = _runs_query()
    with snapshot(engine) as connection:
        sources = tuple(current_names(connection, selection.sources).values())
        _check_sources(connection.execute(select(Source.name)).scalars(), sources)
        runs = [_SelectedRun(*row) for row in connection.execute(query)]
    if selection.run_ids:
        known = {run.run_id for run in runs}
        for run_id in selection.run_ids:
            if run_id not in known:
                raise run_not_found(run_id)
        runs = [run for run in runs if run.run_id in selection.run_ids]
    if sources:
        runs = [run for run in runs if run.source in sources]
    # Sorted here: in SQL, the order of text depends on the server's locale.
    return sorted(runs, key=lambda run: (run.source, run.run_id))


def _check_sources(known: Iterator[str], wanted: tuple[str, ...]) -> None:
    missing = set(wanted) - set(known)
    if missing:
        raise ExportError(
            f"no source named {min(missing)!r}", hint="List the names with `moodline runs list`"
        )


def _page_statement(selection: Selection) -> Select[Any]:
    """Select one page of one run, after the key (last_frame, last_track)."""
    same_frame = (Face.run_pk == Frame.run_pk) & (Face.frame_index == Frame.frame_index)
    # SQLite does not know that both are equal: it would sort all rows that follow, for each page.
    frame_index = (Frame if selection.frames else Face).__table__.c.frame_index
    statement = (
        select(
            Frame.frame_index,
            Frame.media_time_us,
            type_coerce(Frame.captured_at, BigInteger).label("captured_at"),
            (cast(Frame.dwell_ms, BigInteger) * 1000).label("dwell_us"),
            Face.blendshapes,
            *(_stored(column.name) for column in COLUMNS if column.of_face),
        )
        .select_from(Frame)
        .join(Face, same_frame, isouter=selection.frames)
        .join(
            Track,
            (Track.run_pk == Face.run_pk) & (Track.track_id == Face.track_id),
            isouter=True,
        )
        .where(
            Frame.run_pk == bindparam("run"),
            # Redundant, but an index can start from it.
            frame_index >= bindparam("last_frame"),
            or_(
                Frame.frame_index > bindparam("last_frame"),
                Face.track_id > bindparam("last_track"),
            ),
        )
        .order_by(frame_index, Face.track_id)
        .limit(bindparam("page_rows"))
    )
    if selection.since is not None:
        statement = statement.where(Frame.captured_at >= selection.since)
    if selection.until is not None:
        statement = statement.where(Frame.captured_at < selection.until)
    return statement


def _stored(name: str) -> ColumnElement[Any]:
    """Return the column of a face's value."""
    if name == MARK:
        return func.nullif(Track.mark, TrackMark.PERSON).label(name)
    column: ColumnElement[Any] = Face.__table__.c[name]
    return column
