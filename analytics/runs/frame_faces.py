"""The faces of a run's frames, for drawing them over its recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from analytics.runs.run_list import run_not_found
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.frame_results import TrackMark
from contracts.times import MICROS
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run

MAX_FACES: Final = 4000


@dataclass(frozen=True, slots=True)
class FaceReading:
    """One face. x, y, w, h: its box, as parts of the upright frame's width and height, 0..1.

    shares: the probabilities, in the order of EXPRESSIONS. mark: a TrackMark. pose: roll, yaw and
    pitch as in HeadPose, in whole degrees; None if the detector does not show them.
    """

    track: int
    x: float
    y: float
    w: float
    h: float
    label: str
    confidence: float
    shares: tuple[float, ...]
    mark: str
    pose: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class FrameFaces:
    """One analysed frame, at media_s seconds, and its faces; it may have none."""

    media_s: float
    faces: tuple[FaceReading, ...]


@dataclass(frozen=True, slots=True)
class FramePage:
    """Frames in order, complete up to until_s: a reader that wants more continues from there."""

    frames: tuple[FrameFaces, ...]
    until_s: float


def faces_between(connection: Connection, run_id: str, since_s: float, until_s: float) -> FramePage:
    """Return the analysed frames of [since_s, until_s), about MAX_FACES faces at most.

    Raises RunNotFoundError.
    """
    run = connection.execute(
        select(Run.id, Run.display_width, Run.display_height).where(Run.run_id == run_id)
    ).first()
    if run is None:
        raise run_not_found(run_id)
    first, end = (first_frame(connection, run.id, at) for at in (since_s, until_s))
    rows = _rows(connection, run.id, first, end)
    if len(rows) > MAX_FACES and rows[0].media_time_us < rows[-1].media_time_us:
        # The last frame may lack some of its faces: the next page begins with it.
        until_us = rows[-1].media_time_us
        rows = [row for row in rows if row.media_time_us < until_us]
        until_s = until_us / MICROS
    wide, high = run.display_width or 1, run.display_height or 1
    frames: dict[int, list[FaceReading]] = {}
    for row in rows:
        faces = frames.setdefault(row.media_time_us, [])
        if row.track_id is not None:
            faces.append(_face(row, wide, high))
    return FramePage(
        tuple(FrameFaces(at_us / MICROS, tuple(faces)) for at_us, faces in frames.items()), until_s
    )


def _rows(connection: Connection, run_pk: int, first: int, end: int) -> Sequence[Row[Any]]:
    """Read frames [first, end) with their faces, at most one row more than MAX_FACES."""
    return connection.execute(
        select(
            Frame.media_time_us,
            Face.track_id,
            Face.x,
            Face.y,
            Face.w,
            Face.h,
            Face.smoothed_emotion,
            Face.smoothed_confidence,
            *(getattr(Face, name) for name in EXPRESSIONS),
            Track.mark,
            Face.roll,
            Face.yaw,
            Face.pitch,
        )
        .join(
            Face,
            (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index),
            isouter=True,
        )
        .join(
            Track,
            (Track.run_pk == Face.run_pk) & (Track.track_id == Face.track_id),
            isouter=True,
        )
        .where(Frame.run_pk == run_pk, Frame.frame_index >= first, Frame.frame_index < end)
        .order_by(Frame.frame_index, Face.track_id)
        .limit(MAX_FACES + 1)
    ).all()


def _face(row: Row[Any], wide: int, high: int) -> FaceReading:
    return FaceReading(
        row.track_id,
        round(row.x / wide, 4),
        round(row.y / high, 4),
        round(row.w / wide, 4),
        round(row.h / high, 4),
        row.smoothed_emotion or UNCERTAIN,
        round(row.smoothed_confidence, 3),
        tuple(round(getattr(row, name), 3) for name in EXPRESSIONS),
        row.mark or TrackMark.PERSON,
        None if row.yaw is None else (round(row.roll), round(row.yaw), round(row.pitch)),
    )


def first_frame(connection: Connection, run_pk: int, media_s: float) -> int:
    """Return the first frame_index at or after the media time.

    A binary search: media time only increases with the index, but has no database index.
    """
    media_us = round(media_s * MICROS)
    frames = select(Frame.frame_index, Frame.media_time_us).where(Frame.run_pk == run_pk).limit(1)
    last = connection.execute(frames.order_by(Frame.frame_index.desc())).first()
    low, high = 0, last.frame_index + 1 if last is not None else 0
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(
            frames.where(Frame.frame_index >= middle).order_by(Frame.frame_index)
        ).one()
        if found.media_time_us >= media_us:
            high = middle
        else:
            low = found.frame_index + 1
    return low
