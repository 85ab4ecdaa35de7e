"""Accounts of dashboard users: add, change, remove, list, and check a password."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import UserError
from contracts.times import utc_now
from records.audit import write_audit_entry
from records.database import reading, transaction
from records.tables.users import User, UserSession
from records.users.passwords import (
    MAX_PASSWORD_LENGTH,
    hash_password,
    password_fingerprint,
    password_matches,
)
from records.users.roles import Role
from records.users.session_lifetime import is_open

SETTING_USER: Final = "admin"
"""The name of the user whose password is MOODLINE_DASHBOARD_PASSWORD."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class UserSummary:
    """One user in a list. sessions: open ones."""

    name: str
    role: Role
    created_at: datetime
    sessions: int


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """A user whose password or session was checked.

    pk: None for SETTING_USER, who has no row. setting_mark: the fingerprint of that user's
    password; "" for others.
    """

    pk: int | None
    name: str
    role: Role
    setting_mark: str = ""


def add_user(engine: Engine, name: str, role: Role, password: str, *, actor: str) -> None:
    """Add a user.

    Raises UserError if the name is invalid or already taken, or the password has a wrong length.
    """
    name = _checked_name(name)
    hashed = hash_password(password)
    try:
        with transaction(engine) as connection:
            connection.execute(
                insert(User).values(
                    name=name, role=role, password_hash=hashed, created_at=utc_now()
                )
            )
            write_audit_entry(connection, actor, "user added", {"user": name, "role": role})
    except IntegrityError as exc:
        raise UserError(
            f"user {name} already exists", hint=f"Change it: moodline user password {name}"
        ) from exc


def set_password(engine: Engine, name: str, password: str, *, actor: str) -> None:
    """Change a user's password and end the user's sessions.

    Raises UserError if there is no such user or the password has a wrong length.
    """
    hashed = hash_password(password)
    with transaction(engine) as connection:
        _change_user(connection, name, {"password_hash": hashed})
        write_audit_entry(connection, actor, "password set", {"user": name.lower()})


def set_role(engine: Engine, name: str, role: Role, *, actor: str) -> None:
    """Change a user's role and end the user's sessions. Raises UserError."""
    with transaction(engine) as connection:
        _change_user(connection, name, {"role": role})
        write_audit_entry(connection, actor, "role set", {"user": name.lower(), "role": role})


def remove_user(engine: Engine, name: str, *, actor: str) -> None:
    """Remove a user and end the user's sessions. Raises UserError."""
    with transaction(engine) as connection:
        pk = _user_pk(connection, name)
        connection.execute(delete(UserSession).where(UserSession.user_pk == pk))
        connection.execute(delete(User).where(User.id == pk))
        write_audit_entry(connection, actor, "user removed", {"user": name.lower()})


def list_users(engine: Engine) -> Sequence[UserSummary]:
    """Return all users, by name."""
    with reading(engine) as connection:
        users = connection.execute(select(User.__table__).order_by(User.name)).all()
        open_sessions = list(
            connection.execute(select(UserSession.user_pk).where(is_open(utc_now()))).scalars()
        )
    return [
        UserSummary(row.name, Role(row.role), row.created_at, open_sessions.count(row.id))
        for row in users
    ]


def has_users(engine: Engine) -> bool:
    """Return whether there is any user."""
    with reading(engine) as connection:
        return connection.execute(select(User.id).limit(1)).first() is not None


def authenticate(
    engine: Engine, name: str, password: str, *, setting: str = ""
) -> AuthenticatedUser | None:
    """Return the user if the password is right, else None. An unknown name takes as long.

    setting: the password of SETTING_USER, or "" for none.
    """
    if not password or len(password) > MAX_PASSWORD_LENGTH:
        return None
    name = name.strip().lower()
    with reading(engine) as connection:
        row = connection.execute(select(User.__table__).where(User.name == name)).first()
    matches = password_matches(row.password_hash if row else None, password)
    if row is not None and matches:
        return AuthenticatedUser(row.id, row.name, Role(row.role))
    same = secrets.compare_digest(password.encode(), setting.encode())
    if setting and same and name == SETTING_USER:
        return AuthenticatedUser(None, SETTING_USER, Role.ADMIN, password_fingerprint(setting))
    return None


def _change_user(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    pk = _user_pk(connection, name)
    connection.execute(update(User).where(User.id == pk).values(**values))
    connection.execute(delete(UserSession).where(UserSession.user_pk == pk))


def _user_pk(connection: Connection, name: str) -> int:
    pk = connection.execute(select(User.id).where(User.name == name.lower())).scalar()
    if pk is None:
        raise UserError(f"no user {name}", hint="`moodline user list` shows them")
    return pk


def _checked_name(name: str) -> str:
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise UserError(
            f"invalid user name {name!r}",
            hint="Use 1 to 64 letters, digits and . _ @ -, beginning with a letter or digit",
        )
    return name
