"""Who may sign in to the dashboard, what they may do there, and the sessions of those who did.

Passwords are kept as Argon2id hashes (RFC 9106); a session's token is kept as its SHA-256, so that
a copy of the database lets nobody in.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import MoodlineError
from contracts.times import utc_now
from records.audit import write_audit
from records.database import reading, transaction
from records.tables.users import Role, User, UserSession

IDLE: Final = timedelta(hours=12)
"""A session that was not used for so long has expired."""
LONGEST: Final = timedelta(days=7)
"""A session ends then, however much it is used."""
LEAST_PASSWORD: Final = 10
MOST_PASSWORD: Final = 1024
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_TOUCH_EVERY: Final = timedelta(minutes=5)
_HASHER: Final = PasswordHasher()


class UserError(MoodlineError):
    """Raised when a user cannot be added, changed or found."""


@dataclass(frozen=True, slots=True)
class UserLine:
    """One user, as a list shows them. sessions: that have not expired."""

    name: str
    role: Role
    created_at: datetime
    sessions: int


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whose password was right. pk: None for the one of the setting."""

    pk: int | None
    name: str
    role: Role
    setting_mark: str = ""


SETTING_USER: Final = "admin"
"""Who signs in with MOODLINE_DASHBOARD_PASSWORD."""


def add_user(engine: Engine, name: str, role: Role, password: str, *, actor: str) -> None:
    """Raises UserError for a name that is taken or none, and for a password that is too short."""
    name = _checked(name)
    hashed = _hashed(password)
    try:
        with transaction(engine) as connection:
            connection.execute(
                insert(User).values(
                    name=name, role=role, password_hash=hashed, created_at=utc_now()
                )
            )
            write_audit(connection, actor, "user added", {"user": name, "role": role})
    except IntegrityError as exc:
        raise UserError(
            f"there is a user {name} already", hint=f"Change it: moodline user password {name}"
        ) from exc


def set_password(engine: Engine, name: str, password: str, *, actor: str) -> None:
    """Give a user another password; their sessions end. Raises UserError."""
    hashed = _hashed(password)
    _change(engine, name, {"password_hash": hashed}, actor, "password set", {})


def set_role(engine: Engine, name: str, role: Role, *, actor: str) -> None:
    """Give a user another role; their sessions end. Raises UserError."""
    _change(engine, name, {"role": role}, actor, "role set", {"role": role})


def remove_user(engine: Engine, name: str, *, actor: str) -> None:
    """Nobody may sign in under the name any more; its sessions end. Raises UserError."""
    with transaction(engine) as connection:
        pk = _found(connection, name)
        connection.execute(delete(UserSession).where(UserSession.user_pk == pk))
        connection.execute(delete(User).where(User.id == pk))
        write_audit(connection, actor, "user removed", {"user": name.lower()})


def list_users(engine: Engine) -> Sequence[UserLine]:
    """All users, by name."""
    now = utc_now()
    with reading(engine) as connection:
        users = connection.execute(select(User.__table__).order_by(User.name)).all()
        living = connection.execute(
            select(UserSession.user_pk).where(
                UserSession.seen_at > now - IDLE, UserSession.created_at > now - LONGEST
            )
        ).scalars()
        open_for = list(living)
    return [
        UserLine(one.name, Role(one.role), one.created_at, open_for.count(one.id)) for one in users
    ]


def has_users(engine: Engine) -> bool:
    """Whether anybody could sign in."""
    with reading(engine) as connection:
        return connection.execute(select(User.id).limit(1)).first() is not None


def verify(engine: Engine, name: str, password: str, *, setting: str = "") -> Known | None:
    """Who that is, when the password is theirs. It takes as long for a name that nobody has.

    setting: the password of SETTING_USER, or "" for none.
    """
    if not password or len(password) > MOST_PASSWORD:
        return None
    name = name.strip().lower()
    with reading(engine) as connection:
        row = connection.execute(select(User.__table__).where(User.name == name)).first()
    right = _is_right(row.password_hash if row else _nobody(), password)
    if row is not None and right:
        return Known(row.id, row.name, Role(row.role))
    same = secrets.compare_digest(password.encode(), setting.encode())
    if setting and same and name == SETTING_USER:
        return Known(None, SETTING_USER, Role.ADMIN, mark_of(setting))
    return None


def open_session(engine: Engine, who: Known, *, now: datetime | None = None) -> str:
    """Sign somebody in; the token that only they are told."""
    token, now = secrets.token_urlsafe(32), now or utc_now()
    with transaction(engine) as connection:
        connection.execute(
            insert(UserSession).values(
                token_hash=_digest(token),
                user_pk=who.pk,
                setting_mark=who.setting_mark,
                created_at=now,
                seen_at=now,
            )
        )
    return token


def session_user(
    engine: Engine, token: str, *, setting: str = "", now: datetime | None = None
) -> Known | None:
    """Whose session that is; None for none, and for one that has expired."""
    now = now or utc_now()
    with reading(engine) as connection:
        row = connection.execute(
            select(UserSession.__table__, User.name, User.role)
            .join(User, User.id == UserSession.user_pk, isouter=True)
            .where(
                UserSession.token_hash == _digest(token),
                UserSession.seen_at > now - IDLE,
                UserSession.created_at > now - LONGEST,
            )
        ).first()
    if row is None:
        return None
    if row.user_pk is None:
        if not setting or row.setting_mark != mark_of(setting):
            return None
        known = Known(None, SETTING_USER, Role.ADMIN, row.setting_mark)
    else:
        known = Known(row.user_pk, row.name, Role(row.role))
    if now - row.seen_at > _TOUCH_EVERY:
        with transaction(engine) as connection:
            connection.execute(
                update(UserSession)
                .where(UserSession.token_hash == row.token_hash)
                .values(seen_at=now)
            )
    return known


def close_session(engine: Engine, token: str) -> None:
    """Sign out."""
    with transaction(engine) as connection:
        connection.execute(delete(UserSession).where(UserSession.token_hash == _digest(token)))


def forget_sessions(engine: Engine, *, now: datetime | None = None) -> int:
    """Remove what has expired; how many."""
    now = now or utc_now()
    with transaction(engine) as connection:
        return connection.execute(
            delete(UserSession).where(
                (UserSession.seen_at <= now - IDLE) | (UserSession.created_at <= now - LONGEST)
            )
        ).rowcount


@cache
def mark_of(setting: str) -> str:
    """What changes when the password of the setting does, and does not tell it."""
    return hashlib.scrypt(setting.encode(), salt=b"moodline", n=2**14, r=8, p=1, dklen=32).hex()


def _change(  # noqa: PLR0913, PLR0917
    engine: Engine,
    name: str,
    values: dict[str, Any],
    actor: str,
    action: str,
    details: dict[str, Any],
) -> None:
    with transaction(engine) as connection:
        pk = _found(connection, name)
        connection.execute(update(User).where(User.id == pk).values(**values))
        connection.execute(delete(UserSession).where(UserSession.user_pk == pk))
        write_audit(connection, actor, action, {"user": name.lower()} | details)


def _found(connection: Connection, name: str) -> int:
    pk = connection.execute(select(User.id).where(User.name == name.lower())).scalar()
    if pk is None:
        raise UserError(f"there is no user {name}", hint="`moodline user list` shows them")
    return int(pk)


def _checked(name: str) -> str:
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is no user name", hint="Use letters, digits and . _ @ -, 64 at most"
        )
    return name


def _hashed(password: str) -> str:
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise UserError(
            f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters",
            hint="Three or four words that nobody would guess do well",
        )
    return _HASHER.hash(password)


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe())


def _is_right(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
