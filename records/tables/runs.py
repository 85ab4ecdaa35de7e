"""The tables of runs, their progress and their dead letters."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text

from records.tables.base import Base, Mapped, mapped_column


class Run(Base):
    """One analysis of one source from start to end. The row is also the job.

    run_id: the public id.
    source_pk: the source.
    identity: a hash over content, sampling, detector, model and options. Runs with equal
        identities are the same work.
    kind: a RunKind.
    uri, content_hash: the recording's stored address and SHA-256; "" as hash of a live run.
    file_state: size and modification time of the recording when it was hashed; NULL for a live
        run, and for one of an older version.
    sampling_fps: frames to analyse per second; NULL means every frame.
    detector, model_version, options: the analysis; options is JSON (`records.json_columns`).
    state, error: a RunState, and why the run failed.
    recorded_at, recorded_at_origin: the capture time of media time 0, and how it is known.
    counted: whether history counts the run. Of a source's runs of one recording, that is the
        latest finished one.
    display_width, display_height: the frame size in display pixels.
    duration_us: the container's length.
    frames_claimed: the container's estimate, for progress only.
    frames_total: the frames of a full decode, once known.
    queued_at, started_at, finished_at: when it entered these states.
    claimed_by, claim_expires_at: the process that reads the source, and the end of its claim.
    copy_of: the key of the run whose rows this run gets or got, because its recording has the same
        content in another place; NULL if it was analysed itself.
    made_by: the version of moodline that created the run; NULL for runs of earlier versions.
    """

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(String(24), unique=True)
    source_pk: Mapped[int] = mapped_column(ForeignKey("sources.id"), index=True)
    identity: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    uri: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64), index=True)
    file_state: Mapped[str | None] = mapped_column(String(64))
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
    copy_of: Mapped[int | None] = mapped_column(index=True)
    made_by: Mapped[str | None] = mapped_column(String(32))


class RunProgress(Base):
    """A run's progress: the cursor of its committed frames, and the worker's checkpoint.

    fence: incremented each time a worker takes the run; only the current fence can commit.
    holder: the worker that has the run. A clean release sets NULL, so a value that is left shows
        the next worker that its predecessor crashed.
    next_seq: the first message that is not committed.
    attempts: crashes on that message.
    checkpoint: the worker's state after the last commit.
    source_cursor: where the reader resumes the source.
    frames_captured, frames_sampled_out, frames_analyzed, faces: totals of the run.
    left_out: those of the faces that do not count, because of the mark of their track.
    dropped: dropped frames by cause, as JSON.
    broker_lost: frames of a live run that the broker accepted and lost.
    erased: analysed frames whose rows were erased.
    stepped: whether the summary steps cover all rows; false for runs older than that table.
    last_media_time_us: media time of the last committed frame.
    updated_at: time of the last commit.
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
    left_out: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    dropped: Mapped[str] = mapped_column(Text, default="{}")
    broker_lost: Mapped[int] = mapped_column(BigInteger, default=0)
    erased: Mapped[int] = mapped_column(BigInteger, default=0)
    stepped: Mapped[bool] = mapped_column(default=False)
    last_media_time_us: Mapped[int] = mapped_column(BigInteger, default=0)
    updated_at: Mapped[datetime | None]


class DeadLetter(Base):
    """A message set aside because it could not be decoded or analysed. It counts as `poison`.

    run_pk, seq: the run, and the message's number in its stream.
    frame_index: the frame; NULL if the message could not be decoded.
    reason: why.
    at: when.
    """

    __tablename__ = "dead_letters"

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    frame_index: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
