"""The analysed frames of a run, page by page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from contracts.times import MICROS
from records.tables.faces import Frame

LAST_FRAME: Final = 2**62
"""More frames than any run has."""


@dataclass(frozen=True, slots=True)
class FrameLine:
    """One analysed frame. face_count: faces in it that count."""

    frame_index: int
    media_time_s: float
    captured_at: datetime
    dwell_s: float
    face_count: int


def run_frames(
    connection: Connection, run_pk: int, first: int, end: int, *, limit: int
) -> tuple[FrameLine, ...]:
    """Return the frames [first, end) of a run in order, at most `limit`."""
    rows = connection.execute(
        select(
            Frame.frame_index,
            Frame.media_time_us,
            Frame.captured_at,
            Frame.dwell_ms,
            (Frame.face_count - Frame.left_out).label("face_count"),
        )
        .where(Frame.run_pk == run_pk, Frame.frame_index >= first, Frame.frame_index < end)
        .order_by(Frame.frame_index)
        .limit(limit)
    )
    return tuple(
        FrameLine(
            row.frame_index,
            row.media_time_us / MICROS,
            row.captured_at,
            row.dwell_ms / 1000,
            row.face_count,
        )
        for row in rows
    )
