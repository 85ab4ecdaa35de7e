"""Table of summary steps: per-run sums of 1, 10 and 100 s."""

from typing import Final

from sqlalchemy import BigInteger, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from records.tables.base import Base

STEP_WIDTHS: Final = (1, 10, 100)
"""In seconds. None is below the longest dwell, which so lies in two of them at most."""
FRAMES: Final = -1
"""The track_id of what is said of frames."""
OCCUPIED: Final = "occupied"
EMPTY: Final = "empty"
"""What frames are: with a face, or without one."""


class RunStep(Base):
    """What a track showed within one step of a run; with FRAMES, what the frames were.

    step: media time divided by width_s; what is before zero belongs to the first. label: smoothed,
    with UNCERTAIN, or OCCUPIED or EMPTY of frames. seen: faces, or frames, whose own moment lies in
    the step. time_us: what they stand for: a dwell is the time up to its frame, and each step has
    the part that lies in it.
    """

    __tablename__ = "run_steps"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    width_s: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    track_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(String(9), primary_key=True)
    seen: Mapped[int] = mapped_column(BigInteger)
    time_us: Mapped[int] = mapped_column(BigInteger)
