"""The tables of dashboard users and their sessions."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from records.tables.base import Base


class User(Base):
    """A dashboard user.

    name: in lower case.
    role: a Role.
    password_hash: Argon2id.
    created_at: when the user was added.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class UserSession(Base):
    """A session of a signed-in user.

    token_hash: SHA-256 of the token; the token itself is not stored.
    user_pk: the user; NULL for the user whose password is a setting.
    setting_mark: a fingerprint of that setting; a changed password ends the session.
    created_at, seen_at: when the user signed in, and was last active.
    """

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_pk: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    setting_mark: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
