"""Tables of the dashboard users and their sessions."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from records.tables.base import Base


class Role(StrEnum):
    """Each may do what those before it may. viewer: look; operator: run sources and recordings;
    admin: erase, change what is kept.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether it may do what that role may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class User(Base):
    """Somebody who may sign in. name: lower case."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class UserSession(Base):
    """Somebody is signed in until `expires_at`.

    user_pk: NULL for the one whose password is a setting; setting_mark changes with that password.
    """

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_pk: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    setting_mark: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
