"""The tables of sources, and of the states of live sources."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text

from records.tables.base import Base, Mapped, mapped_column


class Source(Base):
    """One recording or live source.

    name: the owner's name for it.
    kind: a RunKind.
    created_at: when it was added.

    The other columns are for live sources only:
    uri: its address, sealed if it holds credentials; NULL for recordings, whose runs have it.
    shown_uri: the address without credentials, for people.
    host: the host that must open it; NULL means any.
    sampling_fps, max_side: frames to analyse per second, and the longest side in pixels; NULL
        means the default.
    tags: a JSON list.
    looped: whether a file is played again and again.
    rotate, mirror: degrees clockwise by which the picture is turned, and whether it is then
        mirrored.
    zones: the parts of the picture that are read, left out or black, as a JSON list.
    min_face_px: shortest side of a face to detect, pixels; NULL means the setting.
    keep_static: whether still faces count; NULL means the setting.
    paused: whether the owner has paused it.
    revision: incremented by each edit.
    removed_at: when it was removed; its records stay.
    claimed_by, claim_expires_at: the supervising process, and the end of its claim.
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
    rotate: Mapped[int] = mapped_column(default=0)
    mirror: Mapped[bool] = mapped_column(default=False)
    zones: Mapped[str] = mapped_column(Text, default="[]")
    min_face_px: Mapped[int | None]
    keep_static: Mapped[bool | None]
    paused: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=0)
    removed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(128))
    claim_expires_at: Mapped[datetime | None]


class AllowedPlace(Base):
    """A port of this host that an administrator allowed as a camera, such as a restream server's.

    host, port: as in the address of the source; the host in lower case.
    allowed_at, allowed_by: when, and the name of who did it.
    """

    __tablename__ = "allowed_places"

    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    port: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    allowed_at: Mapped[datetime]
    allowed_by: Mapped[str] = mapped_column(String(128))


class FormerName(Base):
    """A name that a live source had before it was renamed. Links with it still find the source.

    name: no other source has it now.
    source_pk: the source.
    until: when it was renamed.
    """

    __tablename__ = "former_names"
    __table_args__ = (Index("ix_former_names_source", "source_pk"),)

    name: Mapped[str] = mapped_column(String(512), primary_key=True)
    source_pk: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    until: Mapped[datetime]


class SourceInterval(Base):
    """An interval in which a live source was in one state, as its supervisor saw it.

    The state between two rows is unknown: the source had no supervisor then.

    source_pk: the source.
    state, reason: a LiveState, and why.
    since, until: start and end of the interval.
    """

    __tablename__ = "source_states"
    __table_args__ = (Index("ix_source_states_source_since", "source_pk", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source_pk: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    since: Mapped[datetime]
    until: Mapped[datetime]
