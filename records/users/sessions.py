"""Sessions of signed-in users.

Only the SHA-256 of a session's token is stored, so a copy of the database signs nobody in.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, delete, insert, select, update

from contracts.times import utc_now
from records.database import reading, transaction
from records.tables.users import User, UserSession
from records.users.accounts import SETTING_USER, AuthenticatedUser
from records.users.passwords import password_fingerprint
from records.users.roles import Role
from records.users.session_lifetime import has_expired, is_open

_TOUCH_EVERY: Final = timedelta(minutes=5)


def open_session(engine: Engine, user: AuthenticatedUser, *, now: datetime | None = None) -> str:
    """Sign a user in, and return the session's token."""
    token, now = secrets.token_urlsafe(32), now or utc_now()
    with transaction(engine) as connection:
        connection.execute(
            insert(UserSession).values(
                token_hash=_digest(token),
                user_pk=user.pk,
                setting_mark=user.setting_mark,
                created_at=now,
                seen_at=now,
            )
        )
    return token


def session_user(
    engine: Engine, token: str, *, setting: str = "", now: datetime | None = None
) -> AuthenticatedUser | None:
    """Return the user of an open session, and note that it was used; None for any other token.

    setting: the password of SETTING_USER, or "" for none. A changed one ends the session.
    """
    now = now or utc_now()
    with reading(engine) as connection:
        row = connection.execute(
            select(UserSession.__table__, User.name, User.role)
            .join(User, User.id == UserSession.user_pk, isouter=True)
            .where(UserSession.token_hash == _digest(token), is_open(now))
        ).first()
    if row is None:
        return None
    if row.user_pk is None:
        if not setting or row.setting_mark != password_fingerprint(setting):
            return None
        user = AuthenticatedUser(None, SETTING_USER, Role.ADMIN, row.setting_mark)
    else:
        user = AuthenticatedUser(row.user_pk, row.name, Role(row.role))
    if now - row.seen_at > _TOUCH_EVERY:
        with transaction(engine) as connection:
            connection.execute(
                update(UserSession)
                .where(UserSession.token_hash == row.token_hash)
                .values(seen_at=now)
            )
    return user


def close_session(engine: Engine, token: str) -> None:
    """Sign a user out."""
    with transaction(engine) as connection:
        connection.execute(delete(UserSession).where(UserSession.token_hash == _digest(token)))


def delete_expired_sessions(engine: Engine, *, now: datetime | None = None) -> int:
    """Delete expired sessions, and return how many there were."""
    with transaction(engine) as connection:
        return connection.execute(delete(UserSession).where(has_expired(now or utc_now()))).rowcount


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
