"""Accounts of dashboard users: add, change, remove, list, and check a password."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import SettingsError, UserError
from contracts.parsing.addresses import is_loopback
from contracts.times import utc_now
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import reading, transaction
from records.tables.users import User, UserSession
from records.users.passwords import (
    MAX_PASSWORD_LENGTH,
    check_new_password,
    hash_password,
    password_fingerprint,
    password_matches,
)
from records.users.roles import Role
from records.users.saved_views import forget_views
from records.users.session_lifetime import is_open

SETTING_USER: Final = "admin"
"""The name of the user whose password is MOODLINE_DASHBOARD_PASSWORD."""
OWNER: Final = "owner"
"""The name of the person who signs in by a link of this host; no user can have it."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class UserSummary:
    """One user in a list. sessions: open ones. second_factor: whether sign-in asks for a code."""

    name: str
    role: Role
    created_at: datetime
    sessions: int
    second_factor: bool = False


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """A user whose password or session was checked.

    pk: None for SETTING_USER and OWNER, who have no row. setting_mark: the fingerprint of
    SETTING_USER's password, OWNER for the owner, "" for others. needs_code: whether the second
    factor must be checked too. password_mark: changes with the password; "" without a row.
    """

    pk: int | None
    name: str
    role: Role
    setting_mark: str = ""
    needs_code: bool = False
    password_mark: str = ""


def add_user(engine: Engine, name: str, role: Role, password: str, *, actor: str) -> None:
    """Add a user.

    Raises UserError if the name is invalid or already taken, or the password is refused.
    """
    name = _checked_name(name)
    check_new_password(password, name)
    hashed = hash_password(password)
    try:
        with transaction(engine) as connection:
            connection.execute(
                insert(User).values(
                    name=name, role=role, password_hash=hashed, created_at=utc_now()
                )
            )
            write_audit_entry(connection, actor, Action.USER_ADDED, {"user": name, "role": role})
    except IntegrityError as exc:
        raise UserError(
            f"user {name} already exists", hint=f"Change it: moodline user password {name}"
        ) from exc


def set_password(
    engine: Engine, name: str, password: str, *, actor: str, keep_session: str = ""
) -> None:
    """Change a user's password and end the user's sessions.

    keep_session: the digest of a session that stays open, for users who change their own.
    Raises UserError if there is no such user or the password is refused.
    """
    check_new_password(password, name)
    hashed = hash_password(password)
    with transaction(engine) as connection:
        _change_user(connection, name, {"password_hash": hashed}, keep_session)
        write_audit_entry(connection, actor, Action.PASSWORD_SET, {"user": name.lower()})


def set_role(engine: Engine, name: str, role: Role, *, actor: str) -> None:
    """Change a user's role and end the user's sessions. Raises UserError."""
    with transaction(engine) as connection:
        _change_user(connection, name, {"role": role})
        write_audit_entry(connection, actor, Action.ROLE_SET, {"user": name.lower(), "role": role})


def remove_user(engine: Engine, name: str, *, actor: str) -> None:
    """Remove a user and end the user's sessions. Raises UserError."""
    with transaction(engine) as connection:
        pk = _user_pk(connection, name)
        connection.execute(delete(UserSession).where(UserSession.user_pk == pk))
        forget_views(connection, name.lower())
        connection.execute(delete(User).where(User.id == pk))
        write_audit_entry(connection, actor, Action.USER_REMOVED, {"user": name.lower()})


def list_users(engine: Engine) -> Sequence[UserSummary]:
    """Return all users, by name."""
    with reading(engine) as connection:
        users = connection.execute(select(User.__table__).order_by(User.name)).all()
        open_sessions = list(
            connection.execute(select(UserSession.user_pk).where(is_open(utc_now()))).scalars()
        )
    return [
        UserSummary(
            row.name,
            Role(row.role),
            row.created_at,
            open_sessions.count(row.id),
            row.code_since is not None,
        )
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
    row = None
    if _NAME.fullmatch(name):
        with reading(engine) as connection:
            row = connection.execute(select(User.__table__).where(User.name == name)).first()
    matches = password_matches(row.password_hash if row else None, password)
    if row is not None and matches:
        return _authenticated(row)
    same = secrets.compare_digest(password.encode(), setting.encode())
    if setting and same and name == SETTING_USER:
        return AuthenticatedUser(None, SETTING_USER, Role.ADMIN, password_fingerprint(setting))
    return None


def unchanged_user(engine: Engine, pk: int, password_mark: str) -> AuthenticatedUser | None:
    """Return the user if the password is still the one that was checked, else None."""
    with reading(engine) as connection:
        row = connection.execute(select(User.__table__).where(User.id == pk)).first()
    user = None if row is None else _authenticated(row)
    return user if user is not None and user.password_mark == password_mark else None


def check_setting_password(password: str) -> None:
    """Raise SettingsError if MOODLINE_DASHBOARD_PASSWORD is refused as a password. "": not set."""
    if not password:
        return
    try:
        check_new_password(password, SETTING_USER)
    except UserError as exc:
        raise SettingsError(f"MOODLINE_DASHBOARD_PASSWORD: {exc}", hint=exc.hint) from exc


def check_sign_in(engine: Engine, password: str, host: str, sign_in: bool | None) -> None:
    """Raise SettingsError if nobody could sign in to a dashboard that is bound to `host`.

    password: MOODLINE_DASHBOARD_PASSWORD, which must not be easy to guess. sign_in: as in
    `dashboard.server.serve`.
    """
    for_users = sign_in or not is_loopback(host)
    if sign_in is False and for_users:
        raise SettingsError(
            f"the dashboard on {host} requires sign-in", hint="Use --no-sign-in on loopback only"
        )
    if sign_in is not False:
        check_setting_password(password)
    if for_users and not (password or has_users(engine)):
        raise SettingsError(
            f"the dashboard on {host} requires sign-in, and there are no users",
            hint="Add a user: moodline user add NAME --role admin",
        )


def _authenticated(row: Row[Any]) -> AuthenticatedUser:
    mark = hashlib.sha256(row.password_hash.encode()).hexdigest()[:16]
    return AuthenticatedUser(
        row.id,
        row.name,
        Role(row.role),
        needs_code=row.code_since is not None,
        password_mark=mark,
    )


def _change_user(
    connection: Connection, name: str, values: Mapping[str, object], keep_session: str = ""
) -> None:
    pk = _user_pk(connection, name)
    connection.execute(update(User).where(User.id == pk).values(**values))
    connection.execute(
        delete(UserSession).where(UserSession.user_pk == pk, UserSession.token_hash != keep_session)
    )


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
    if name == OWNER:
        raise UserError(f"the name {OWNER} is reserved", hint="Choose another name")
    return name
