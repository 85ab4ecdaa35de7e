"""The table of uploaded recordings."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text

from records.tables.base import Base, Mapped, mapped_column


class Upload(Base):
    """One upload, complete or not. Its bytes are in a file; the row has their owner.

    id: also the name of its folder.
    name, size: the file's safe name, and its announced size in bytes.
    mark: a fingerprint by which the browser resumes the same file.
    owner: the user who sends it.
    run_id: the run that analyses it, once it is complete.
    error: why there is no run.
    changed_at: when bytes, run or error last changed.
    removed_at: when the bytes were deleted.
    """

    __tablename__ = "uploads"
    __table_args__ = (Index("ix_uploads_run_id", "run_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[str] = mapped_column(String(128))
    owner: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str | None] = mapped_column(String(24))
    error: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
