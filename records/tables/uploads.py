"""Table of uploaded recordings."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from records.tables.base import Base


class Upload(Base):
    """One recording that is sent, or was. mark: tells the same file when it is sent again.

    run_id: of its analysis, once it is whole. removed_at: its bytes are gone.
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
