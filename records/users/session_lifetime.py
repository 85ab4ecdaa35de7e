"""The lifetime of a session."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, or_

from records.tables.users import UserSession

IDLE_TIMEOUT: Final = timedelta(hours=12)
"""A session that was not used for this long has expired."""
MAX_SESSION_AGE: Final = timedelta(days=7)
"""A session ends at this age, however much it is used."""


def is_open(now: datetime) -> ColumnElement[bool]:
    """Return the SQL condition for sessions that have not expired."""
    return and_(
        UserSession.seen_at > now - IDLE_TIMEOUT, UserSession.created_at > now - MAX_SESSION_AGE
    )


def has_expired(now: datetime) -> ColumnElement[bool]:
    """Return the SQL condition for sessions that have expired."""
    return or_(
        UserSession.seen_at <= now - IDLE_TIMEOUT, UserSession.created_at <= now - MAX_SESSION_AGE
    )
