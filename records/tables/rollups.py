"""The tables of rollups: sums of a minute, quarter, hour and day of a source."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.frames import DropCause
from records.tables.base import Base, Mapped, UtcMicros, mapped_column

RECOMPUTED_PART: Final = 0
"""The part of a window that is recomputed from the rows that still exist."""
UPTIME_PART: Final = -1
"""The part of a window with the uptime of its live source."""

LABEL_SUMS: Final = {label: f"{label}_ms" for label in (*EXPRESSIONS, UNCERTAIN)}
"""Columns by smoothed label: milliseconds of person-time."""
PROBABILITY_SUMS: Final = {label: f"p_{label}" for label in EXPRESSIONS}
"""Columns by expression: calibrated probability in millionths, times dwell in milliseconds."""
DROP_CAUSES: Final = tuple(str(cause) for cause in DropCause)
FACE_SUMS: Final = (
    "faces",
    "tracks_begun",
    "tracks_carried",
    *LABEL_SUMS.values(),
    *PROBABILITY_SUMS.values(),
)
LEFT_OUT_SUMS: Final = ("static_ms", "tentative_ms", "tentative_tracks")
FRAME_SUMS: Final = ("frames", "analyzed_ms", "occupied_ms")
COUNT_SUMS: Final = ("captured", "sampled_out", *DROP_CAUSES)
UPTIME_SUMS: Final = ("up_ms", "watched_ms")
SUMS: Final = (*FRAME_SUMS, *FACE_SUMS, *COUNT_SUMS, *LEFT_OUT_SUMS, *UPTIME_SUMS)

rollups: Final = Table(
    "rollups",
    Base.metadata,
    Column("source_pk", ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    Column("width_s", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("folded_at", UtcMicros, nullable=False),
    *(Column(name, BigInteger, nullable=False, default=0, server_default="0") for name in SUMS),
    sqlite_with_rowid=False,
)
"""The sums of one window of a source, in parts.

source_pk: the source.
width_s, start: the window's width, and its start in UTC microseconds.
part: RECOMPUTED_PART, UPTIME_PART, or the key of a run. A run's part holds the sums of rows that
    retention removed. It is never recomputed; later data is counted in another part.
folded_at: when the sums were last written.
frames, analyzed_ms, occupied_ms: analysed frames, their dwells, and the dwells with a face.
faces: detected faces.
tracks_begun: tracks with their first face in the window.
tracks_carried: tracks with an earlier face, and one in the window's first minute. No track skips a
    minute, so the distinct tracks of adjacent windows are the first window's tracks_carried and
    the sum of tracks_begun.
captured, sampled_out, and one column per DropCause: frames by their fate.
static_ms, tentative_ms: person-time of tracks with these marks, which is in no other sum.
tentative_tracks: tracks with the mark tentative; each has one face.
up_ms, watched_ms: time in state streaming, and time with a supervisor.
"""


class RunMinute(Base):
    """The frames of a run captured within one minute, by their fate.

    The sums over a run are its totals in `run_state`.

    run_pk, start: the run, and the minute's start in UTC microseconds.
    captured, sampled_out, and one column per DropCause: frames.
    """

    __tablename__ = "run_minutes"
    __table_args__ = (Index("ix_run_minutes_start", "start"), {"sqlite_with_rowid": False})

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    captured: Mapped[int] = mapped_column(BigInteger, default=0)
    sampled_out: Mapped[int] = mapped_column(BigInteger, default=0)
    corrupt: Mapped[int] = mapped_column(BigInteger, default=0)
    newest: Mapped[int] = mapped_column(BigInteger, default=0)
    broker_full: Mapped[int] = mapped_column(BigInteger, default=0)
    broker_lost: Mapped[int] = mapped_column(BigInteger, default=0)
    poison: Mapped[int] = mapped_column(BigInteger, default=0)


class DirtyWindow(Base):
    """A minute of a source whose rows have changed since it was rolled up.

    source_pk, start: the source, and the minute's start in UTC microseconds.
    token: a random number, replaced on every change, so a fold can detect a concurrent write.
    """

    __tablename__ = "dirty_windows"
    __table_args__ = ({"sqlite_with_rowid": False},)

    source_pk: Mapped[int] = mapped_column(
        ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    token: Mapped[int] = mapped_column(BigInteger)
