"""Tables of rollups: sums of a minute, quarter, hour and day of a source."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
)
from sqlalchemy.orm import Mapped, mapped_column

from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.frames import DropCause
from records.tables.base import Base, UtcMicros

RECOMPUTED: Final = 0
"""The part of a window that is computed from the rows that are kept."""
UPTIME: Final = -1
"""The part of a window that says when its source was watched over, and delivered."""

LABEL_SUMS: Final = {label: f"{label}_ms" for label in (*EXPRESSIONS, UNCERTAIN)}
"""Milliseconds of person-time by smoothed label."""
PROBABILITY_SUMS: Final = {label: f"p_{label}" for label in EXPRESSIONS}
"""Calibrated probability, in millionths, times the milliseconds that it stands for."""
CAUSES: Final = tuple(str(cause) for cause in DropCause)
FACE_SUMS: Final = (
    "faces",
    "tracks_begun",
    "tracks_carried",
    *LABEL_SUMS.values(),
    *PROBABILITY_SUMS.values(),
)
FRAME_SUMS: Final = ("frames", "analyzed_ms", "occupied_ms")
COUNT_SUMS: Final = ("captured", "sampled_out", *CAUSES)
UPTIME_SUMS: Final = ("up_ms", "watched_ms")
SUMS: Final = (*FRAME_SUMS, *FACE_SUMS, *COUNT_SUMS, *UPTIME_SUMS)

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
"""One window of a source, in parts: RECOMPUTED, UPTIME, or a run's key.

The part of a run holds what its rows added up to when retention removed them: it is never computed
again, and late data stands beside it. occupied_ms: of analyzed_ms, with a face in the frame.
tracks_begun: tracks with their first face in the window; tracks_carried: with an earlier one, and
with one in the window's first minute. So the distinct tracks of adjoining windows are the first
one's `carried` and the sum of `begun`, for no track skips a minute. folded_at: when data came in.
"""


class RunMinute(Base):
    """What became of the frames of a run that were captured within a minute, by cause.

    Their sums over a run are its totals in run_state.
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
    """A minute of a source whose rows changed since it was rolled up.

    token: another with each change, so that who rolls up sees that it changed meanwhile.
    """

    __tablename__ = "dirty_windows"
    __table_args__ = ({"sqlite_with_rowid": False},)

    source_pk: Mapped[int] = mapped_column(
        ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    token: Mapped[int] = mapped_column(BigInteger)
