"""The tables, and what one row means. SQL is the truth; the broker is only a buffer.

Times are UTC, stored as integer microseconds since 1970 so that SQLite and PostgreSQL compare
and sort them alike. Boxes are in display pixels of the source. Labels are EMOTIONS or NULL;
NULL means uncertain.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Dialect, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exact. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone has no place in the records")
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The UTC datetime of `micros` since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def utc_now() -> datetime:
    """This host's clock, UTC-aware."""
    return datetime.now(UTC)


class UtcMicros(TypeDecorator[datetime]):
    """A UTC-aware datetime, kept as integer microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class RunState(StrEnum):
    """Where a run stands; `failed` runs keep the rows they have."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED_STATES: Final = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})


class Base(DeclarativeBase):
    """All tables of moodline."""

    type_annotation_map = {datetime: UtcMicros}  # noqa: RUF012


class Source(Base):
    """One recording or live source, by the name that its owner knows it under.

    The rest is of a live one. uri: where it is, sealed when it holds credentials; NULL for
    recordings, whose runs have their own. shown_uri: the same for people. host: where it must be
    opened; NULL is anywhere. looped: a file that is played without end. revision: grows with each
    edit. removed_at: nobody reads it any more; its records stay.
    """

    __tablename__ = "sources"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(512), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    uri: Mapped[str | None] = mapped_column(Text)
    shown_uri: Mapped[str] = mapped_column(Text, default="")
    host: Mapped[str | None] = mapped_column(String(128))
    sampling_fps: Mapped[float | None]
    max_side: Mapped[int | None]
    tags: Mapped[str] = mapped_column(Text, default="[]")
    looped: Mapped[bool] = mapped_column(default=False)
    paused: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=0)
    removed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(128))
    claim_expires_at: Mapped[datetime | None]


class SourceInterval(Base):
    """A live source was in one state from `since` to `until`, as far as its supervisor knows.

    What lies between two rows is unknown: nobody watched over the source then.
    """

    __tablename__ = "source_states"
    __table_args__ = (Index("ix_source_states_source_since", "source_pk", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source_pk: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    since: Mapped[datetime]
    until: Mapped[datetime]


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


class Frame(Base):
    """One analysed frame. dwell_ms: gap to the previous analysed frame, at most 1000."""

    __tablename__ = "frames"
    __table_args__ = (
        Index("ix_frames_captured_at", "captured_at"),
        {"sqlite_with_rowid": False},
    )

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    frame_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    media_time_us: Mapped[int] = mapped_column(BigInteger)
    captured_at: Mapped[datetime]
    dwell_ms: Mapped[int]
    face_count: Mapped[int]


class Track(Base):
    """One face followed through a run. No biometrics: a person who returns is a new track."""

    __tablename__ = "tracks"

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    track_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_frame_index: Mapped[int] = mapped_column(BigInteger)
    last_frame_index: Mapped[int] = mapped_column(BigInteger)
    first_media_time_us: Mapped[int] = mapped_column(BigInteger)
    last_media_time_us: Mapped[int] = mapped_column(BigInteger)
    faces: Mapped[int] = mapped_column(BigInteger)


class Face(Base):
    """One face in one frame. Probabilities are calibrated and those of the record head."""

    __tablename__ = "faces"
    __table_args__ = ({"sqlite_with_rowid": False},)

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    frame_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    track_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    x: Mapped[float]
    y: Mapped[float]
    w: Mapped[float]
    h: Mapped[float]
    emotion: Mapped[str | None] = mapped_column(String(8))
    confidence: Mapped[float]
    angry: Mapped[float]
    disgust: Mapped[float]
    fear: Mapped[float]
    happy: Mapped[float]
    sad: Mapped[float]
    surprise: Mapped[float]
    neutral: Mapped[float]
    smoothed_emotion: Mapped[str | None] = mapped_column(String(8))
    smoothed_confidence: Mapped[float]
    quality: Mapped[float]


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
