"""The tables of dashboard users and their sessions."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, Text

from records.tables.base import Base, Mapped, mapped_column


class User(Base):
    """A dashboard user.

    name: in lower case.
    role: a Role.
    password_hash: Argon2id.
    created_at: when the user was added.
    code_secret: the sealed secret of the second factor, "" for none.
    code_since: when the second factor was confirmed; NULL while it is not in force.
    code_step: the newest 30 s step whose code was used; older codes are refused.
    recovery_codes: SHA-256 of the unused ones, one a line.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    code_secret: Mapped[str] = mapped_column(Text, default="", server_default="")
    code_since: Mapped[datetime | None]
    code_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    recovery_codes: Mapped[str] = mapped_column(Text, default="", server_default="")


class UserSession(Base):
    """A session of a signed-in user.

    token_hash: SHA-256 of the token; the token itself is not stored.
    user_pk: the user; NULL for the owner, and for the user whose password is a setting.
    setting_mark: a fingerprint of that setting, as a changed password ends the session; "owner"
        for the owner.
    created_at, seen_at: when the user signed in, and was last active.
    address, browser: where from, for the user's list of sessions.
    """

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_pk: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    setting_mark: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64), default="", server_default="")
    browser: Mapped[str] = mapped_column(String(64), default="", server_default="")
