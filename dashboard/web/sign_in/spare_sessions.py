"""Spare sessions: sign-ins in memory, for while the database cannot be written."""

import secrets
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final

from sqlalchemy import Engine

from contracts.times import utc_now
from records.users.accounts import OWNER, AuthenticatedUser, unchanged_user
from records.users.passwords import password_fingerprint
from records.users.session_lifetime import IDLE_TIMEOUT
from records.users.sessions import session_digest

_MAX_SESSIONS: Final = 1000


@dataclass(slots=True)
class SpareSessions:
    """Sessions that end with this server, or after twelve hours. Threads may share it.

    On a full disk nobody could sign in and see why, because a session is a row. password: of the
    setting MOODLINE_DASHBOARD_PASSWORD, or "".
    """

    engine: Engine
    password: str
    _opened: OrderedDict[str, tuple[AuthenticatedUser, datetime]] = field(
        default_factory=OrderedDict
    )
    _lock: Lock = field(default_factory=Lock)

    def open(self, user: AuthenticatedUser) -> str:
        """Sign a user in, and return the session's token."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._opened[session_digest(token)] = user, utc_now()
            while len(self._opened) > _MAX_SESSIONS:
                self._opened.popitem(last=False)
        return token

    def users(self, sessions: Collection[str]) -> Mapping[str, AuthenticatedUser]:
        """Return the users of those sessions that are open, by id. Raises DatabaseError."""
        with self._lock:
            known = {one: self._opened[one] for one in sessions if one in self._opened}
        users = {}
        for session, (user, opened_at) in known.items():
            if utc_now() - opened_at < IDLE_TIMEOUT and self._is_unchanged(user):
                users[session] = user
            else:
                self.close(session)
        return users

    def close(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._opened.pop(session, None)

    def _is_unchanged(self, user: AuthenticatedUser) -> bool:
        """Return whether the user still has the password and the role of the sign-in."""
        if user.pk is not None:
            found = unchanged_user(self.engine, user.pk, user.password_mark)
            return found is not None and found.role is user.role
        if user.name == OWNER and user.setting_mark == OWNER:
            return True
        return bool(self.password) and user.setting_mark == password_fingerprint(self.password)
