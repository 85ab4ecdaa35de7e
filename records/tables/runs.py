"""Tables of runs, their progress and their dead letters."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from records.tables.base import Base


class Run(Base):
    """One analysis of one source from start to end. The row is also the job.

    identity: hash over content, sampling, detector, model and what else makes it another
    analysis; equal identities are the same work. captured_at of media time 0 is `recorded_at`,
    known from `recorded_at_origin`. counted: whether history counts it; of the runs of the same
    recording under one source that is the latest finished one. frames_total: what a full decode
    yielded, once known; frames_claimed: the container's estimate, for progress only.
    """

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(String(24), unique=True)
    source_pk: Mapped[int] = mapped_column(ForeignKey("sources.id"), index=True)
    identity: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    uri: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64), index=True)
    sampling_fps: Mapped[float | None]
    detector: Mapped[str] = mapped_column(String(64))
    model_version: Mapped[str] = mapped_column(String(128))
    options: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    error: Mapped[str] = mapped_column(Text, default="")
    recorded_at: Mapped[datetime | None]
    recorded_at_origin: Mapped[str | None] = mapped_column(String(16))
    counted: Mapped[bool] = mapped_column(default=True)
    display_width: Mapped[int | None]
    display_height: Mapped[int | None]
    duration_us: Mapped[int | None] = mapped_column(BigInteger)
    frames_claimed: Mapped[int | None]
    frames_total: Mapped[int | None]
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(128))
    claim_expires_at: Mapped[datetime | None]


class RunProgress(Base):
    """How far a run has come: the cursor of its committed frames and the worker's checkpoint.

    fence: grows each time a worker takes the run; only its holder's commits go through.
    holder: the worker that has the run; NULL after a clean release, so a value left behind
    tells the next worker of a crash. next_seq: the first frame that is not committed.
    attempts: crashes on that frame. source_cursor: where the reader takes the source up again.
    broker_lost: frames of a live run that the broker accepted and lost. erased: analysed frames
    whose rows their owner had erased. stepped: whether run_steps has all of the run's rows; false
    of runs of before that table was.
    """

    __tablename__ = "run_state"

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    holder: Mapped[str | None] = mapped_column(String(128))
    next_seq: Mapped[int] = mapped_column(BigInteger, default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    checkpoint: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    source_cursor: Mapped[str] = mapped_column(Text, default="")
    frames_captured: Mapped[int] = mapped_column(BigInteger, default=0)
    frames_sampled_out: Mapped[int] = mapped_column(BigInteger, default=0)
    frames_analyzed: Mapped[int] = mapped_column(BigInteger, default=0)
    faces: Mapped[int] = mapped_column(BigInteger, default=0)
    dropped: Mapped[str] = mapped_column(Text, default="{}")
    broker_lost: Mapped[int] = mapped_column(BigInteger, default=0)
    erased: Mapped[int] = mapped_column(BigInteger, default=0)
    stepped: Mapped[bool] = mapped_column(default=False)
    last_media_time_us: Mapped[int] = mapped_column(BigInteger, default=0)
    updated_at: Mapped[datetime | None]


class DeadLetter(Base):
    """A message that was set aside instead of analysed, and why. It is counted as `poison`."""

    __tablename__ = "dead_letters"

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    frame_index: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
