"""The tables of uploaded recordings, and of exports that programs ask for."""

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


class Export(Base):
    """One export. Its rows are in a file that is named by its id.

    owner: who asked for it.
    format: the suffix of its file.
    asked: what it has, as JSON.
    state, error: an ExportState, and why it failed.
    rows, bytes: the size of the file; NULL until it is done.
    erasure: the number of the latest erasure before it began: later ones make it invalid.
    created_at, finished_at: when it was asked for, and when it ended.
    claimed_by, claim_expires_at: the process that writes it.
    """

    __tablename__ = "exports"
    __table_args__ = (Index("ix_exports_owner", "owner", "created_at"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    format: Mapped[str] = mapped_column(String(8))
    asked: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    error: Mapped[str] = mapped_column(Text, default="")
    rows: Mapped[int | None] = mapped_column(BigInteger)
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    erasure: Mapped[int | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(128))
    claim_expires_at: Mapped[datetime | None]
