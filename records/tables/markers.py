"""The table of markers: notes of people and programs on the history."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text

from records.tables.base import Base, Mapped, mapped_column


class Marker(Base):
    """A note on a moment or a time.

    marker_id: its public id.
    source_pk: the source that it is about; NULL for all. It goes with the source.
    begin_at, end_at: the time; equal for a moment.
    text, tags: the note, and words to filter by, as JSON.
    created_at, created_by: when it was written, and by whom.
    """

    __tablename__ = "markers"
    __table_args__ = (Index("ix_markers_begin_at", "begin_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    marker_id: Mapped[str] = mapped_column(String(24), unique=True)
    source_pk: Mapped[int | None] = mapped_column(
        ForeignKey("sources.id", ondelete="CASCADE"), index=True
    )
    begin_at: Mapped[datetime]
    end_at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)
    tags: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(128))
