"""The tables of analysed frames, tracks and faces."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, false

from records.tables.base import Base, Mapped, mapped_column


class Frame(Base):
    """One analysed frame of a run.

    run_pk, frame_index: the run, and the frame's ordinal in its source.
    media_time_us: time since the run's media time 0, in microseconds.
    captured_at: UTC time of capture.
    dwell_ms: the time that the frame stands for.
    dwells_ahead: whether it is the time after the frame, as in a recording. Of a live source, and
        of older rows, it is the time before it.
    face_count: the faces detected in it.
    left_out: those of them that do not count, because of the mark of their track.
    """

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
    dwells_ahead: Mapped[bool] = mapped_column(default=False, server_default=false())
    face_count: Mapped[int]
    left_out: Mapped[int] = mapped_column(default=0, server_default="0")


class Track(Base):
    """One face followed through a run. No biometrics: a person who returns is a new track.

    run_pk, track_id: the run, and the track's number in it.
    first_frame_index, last_frame_index: the frames of its first and last face.
    first_media_time_us, last_media_time_us: the media times of these frames.
    faces: its faces over the run.
    mark: a TrackMark: "" counts, "tentative" and "static" do not.
    """

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
    mark: Mapped[str] = mapped_column(String(16), default="", server_default="")


class Face(Base):
    """One face in one frame.

    run_pk, frame_index, track_id: the frame and the track.
    x, y, w, h: the box in display pixels.
    emotion, confidence: the label of this frame alone, NULL if uncertain, and its probability.
    angry ... neutral: calibrated probabilities of the record head.
    smoothed_emotion, smoothed_confidence: the same two after smoothing along the track.
    quality: how well the face can be classified, 0..1.
    roll, yaw, pitch: as in HeadPose; NULL if the detector does not show them.
    eye_openness, mouth_openness, blendshapes: as in FaceShape; NULL without landmarks. The
        blendshapes are 52 halves, little-endian.
    """

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
    roll: Mapped[float | None]
    yaw: Mapped[float | None]
    pitch: Mapped[float | None]
    eye_openness: Mapped[float | None]
    mouth_openness: Mapped[float | None]
    blendshapes: Mapped[bytes | None]
