"""Sessions of signed-in users.

Only the SHA-256 of a session's token is stored, so a copy of the database signs nobody in.
"""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Row, and_, delete, insert, select, update

from contracts.errors import DatabaseError
from contracts.times import utc_now
from records.database import reading, transaction
from records.tables.users import User, UserSession
from records.users.accounts import OWNER, SETTING_USER, AuthenticatedUser
from records.users.passwords import password_fingerprint
from records.users.roles import Role
from records.users.session_lifetime import has_expired, is_open

THE_OWNER: Final = AuthenticatedUser(None, OWNER, Role.ADMIN, setting_mark=OWNER)
_TOUCH_EVERY: Final = timedelta(minutes=5)
_MAX_PLACE_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One open session in a user's list. id: the digest of its token."""

    id: str
    created_at: datetime
    seen_at: datetime
    address: str
    browser: str


def session_digest(token: str) -> str:
    """Return the id of a token's session."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def open_session(
    engine: Engine,
    user: AuthenticatedUser,
    *,
    address: str = "",
    browser: str = "",
    now: datetime | None = None,
) -> str:
    """Sign a user in, and return the session's token."""
    token, now = secrets.token_urlsafe(32), now or utc_now()
    with transaction(engine) as connection:
        connection.execute(
            insert(UserSession).values(
                token_hash=session_digest(token),
                user_pk=user.pk,
                setting_mark=user.setting_mark,
                created_at=now,
                seen_at=now,
                address=address[:_MAX_PLACE_LENGTH],
                browser=browser[:_MAX_PLACE_LENGTH],
            )
        )
    return token


def session_user(
    engine: Engine,
    token: str,
    *,
    setting: str = "",
    now: datetime | None = None,
    is_use: bool = True,
) -> AuthenticatedUser | None:
    """Return the user of an open session, and note that it was used; None for any other token.

    setting: the password of SETTING_USER, or "" for none. A changed one ends the session. is_use:
    False for a request that a page sends by itself, which must not keep a session open.
    """
    now, digest = now or utc_now(), session_digest(token)
    row = _open_rows(engine, [digest], now).get(digest)
    user = None if row is None else _user(row, setting)
    is_due = row is not None and now - row.seen_at > _TOUCH_EVERY
    if is_use and is_due and user is not None:
        # A session that cannot be noted as used, as on a full disk, is still open.
        with suppress(DatabaseError), transaction(engine) as connection:
            connection.execute(
                update(UserSession).where(UserSession.token_hash == digest).values(seen_at=now)
            )
    return user


def session_users(
    engine: Engine, digests: Collection[str], *, setting: str = ""
) -> Mapping[str, AuthenticatedUser]:
    """Return the users of those sessions that are open, by digest, with one query."""
    rows = _open_rows(engine, digests, utc_now())
    users = {digest: _user(row, setting) for digest, row in rows.items()}
    return {digest: user for digest, user in users.items() if user is not None}


def list_sessions(engine: Engine, user: AuthenticatedUser) -> Sequence[SessionSummary]:
    """Return the user's open sessions, the newest first."""
    with reading(engine) as connection:
        rows = connection.execute(
            select(UserSession.__table__)
            .where(_sessions_of(user), is_open(utc_now()))
            .order_by(UserSession.created_at.desc())
        ).all()
    return [
        SessionSummary(row.token_hash, row.created_at, row.seen_at, row.address, row.browser)
        for row in rows
    ]


def end_session(engine: Engine, user: AuthenticatedUser, session: str) -> bool:
    """End one of the user's sessions by its id. Return whether there was one."""
    with transaction(engine) as connection:
        ended = connection.execute(
            delete(UserSession).where(_sessions_of(user), UserSession.token_hash == session)
        )
    return ended.rowcount > 0


def end_other_sessions(engine: Engine, user: AuthenticatedUser, session: str) -> int:
    """End all sessions of the user but this one. Return how many there were."""
    with transaction(engine) as connection:
        return connection.execute(
            delete(UserSession).where(_sessions_of(user), UserSession.token_hash != session)
        ).rowcount


def close_session(engine: Engine, token: str) -> None:
    """Sign a user out."""
    with transaction(engine) as connection:
        connection.execute(
            delete(UserSession).where(UserSession.token_hash == session_digest(token))
        )


def delete_expired_sessions(engine: Engine, *, now: datetime | None = None) -> int:
    """Delete expired sessions, and return how many there were."""
    with transaction(engine) as connection:
        return connection.execute(delete(UserSession).where(has_expired(now or utc_now()))).rowcount


def _open_rows(engine: Engine, digests: Collection[str], now: datetime) -> dict[str, Row[Any]]:
    with reading(engine) as connection:
        rows = connection.execute(
            select(UserSession.__table__, User.name, User.role)
            .join(User, User.id == UserSession.user_pk, isouter=True)
            .where(UserSession.token_hash.in_(digests), is_open(now))
        ).all()
    return {row.token_hash: row for row in rows}


def _user(row: Row[Any], setting: str) -> AuthenticatedUser | None:
    if row.user_pk is not None:
        return AuthenticatedUser(row.user_pk, row.name, Role(row.role))
    if row.setting_mark == OWNER:
        return THE_OWNER
    if not setting or row.setting_mark != password_fingerprint(setting):
        return None
    return AuthenticatedUser(None, SETTING_USER, Role.ADMIN, row.setting_mark)


def _sessions_of(user: AuthenticatedUser) -> ColumnElement[bool]:
    if user.pk is not None:
        return UserSession.user_pk == user.pk
    return and_(UserSession.user_pk.is_(None), UserSession.setting_mark == user.setting_mark)
