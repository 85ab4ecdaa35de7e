"""The table of summary steps: per-run sums of 1, 10 and 100 s."""

from typing import Final

from sqlalchemy import BigInteger, ForeignKey, Integer, String

from records.tables.base import Base, Mapped, mapped_column

STEP_WIDTHS: Final = (1, 10, 100)
"""In seconds. Each is a multiple of the one before."""
FRAMES_TRACK_ID: Final = -1
"""The track_id of the rows that count frames instead of a track's faces."""
OCCUPIED: Final = "occupied"
"""The label of frames with a face."""
EMPTY: Final = "empty"
"""The label of frames without a face."""


class SummaryStep(Base):
    """The sums of one label of one track within one step of a run's media time.

    run_pk: the run.
    width_s: the step's width, one of STEP_WIDTHS.
    step: media time divided by the width; media time below zero belongs to step 0.
    track_id: the track, or FRAMES_TRACK_ID for sums of frames.
    label: the smoothed expression or UNCERTAIN; OCCUPIED or EMPTY for frames.
    seen: faces or frames whose media time lies in the step.
    time_us: the part of dwells that lies in the step. A dwell may touch many steps.
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
