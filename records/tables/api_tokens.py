"""The tables of API tokens, of the sources that they are limited to, and of repeated requests."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String

from records.tables.base import Base, Mapped, mapped_column


class ApiToken(Base):
    """A token with which a program uses the API.

    name: the owner's name for it.
    token_hash: SHA-256 of the token; the token itself is not stored.
    scope: a TokenScope.
    limited: whether it may see only the sources of `api_token_sources`, even if there are none.
    created_at, created_by: when it was made, and by whom.
    expires_at: when it stops to work; NULL for never.
    used_at, used_from: when and from which address it was used last, noted once a minute.
    """

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(16))
    limited: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    used_from: Mapped[str] = mapped_column(String(64), default="", server_default="")


class ApiTokenSource(Base):
    """A source that a limited token may see. It goes with the token or the source."""

    __tablename__ = "api_token_sources"

    token_pk: Mapped[int] = mapped_column(
        ForeignKey("api_tokens.id", ondelete="CASCADE"), primary_key=True
    )
    source_pk: Mapped[int] = mapped_column(
        ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True
    )


class ApiRequest(Base):
    """A request that a program may repeat.

    digest: who asks, what for, and the key that it gave.
    body_hash: SHA-256 of the body.
    begun_at: when it was begun; a day later the row is deleted.
    status, answer: its answer; NULL while it is carried out.
    """

    __tablename__ = "api_requests"
    __table_args__ = (Index("ix_api_requests_begun_at", "begun_at"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime]
    status: Mapped[int | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
