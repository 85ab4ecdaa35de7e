"""Tables of sources and of the states of live sources."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from records.tables.base import Base


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
