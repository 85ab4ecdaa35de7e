"""The key with which processes sign what they leave in the broker for each other.

It is a row of the database, which all processes of moodline reach, and which a program that
reaches only the broker does not.
"""

import secrets
from typing import Final

from sqlalchemy import Engine, select

from contracts.errors import DatabaseError
from contracts.times import utc_now
from records.database import reading, transaction
from records.tables.operations import BrokerKey
from records.upsert import upsert
from runtime.backoff import retry_until_stopped
from runtime.stop_signal import StopSignal

_KEY_BYTES: Final = 32
_ONLY_ROW: Final = 1


def read_broker_key(engine: Engine) -> bytes:
    """Return the key; the first caller creates it. Raises DatabaseError.

    Deleting the row while nothing runs makes a new key.
    """
    query = select(BrokerKey.key).where(BrokerKey.id == _ONLY_ROW)
    with reading(engine) as connection:
        key = connection.execute(query).scalar()
    if key is not None:
        return key
    with transaction(engine) as connection:
        row = {"id": _ONLY_ROW, "key": secrets.token_bytes(_KEY_BYTES), "created_at": utc_now()}
        connection.execute(upsert(connection, BrokerKey).values(row).on_conflict_do_nothing())
        return connection.execute(query).scalar_one()


def read_broker_key_when_up(engine: Engine, stop: StopSignal) -> bytes:
    """Return the key once the database is up. Raises DatabaseError if stopped before."""
    return retry_until_stopped(
        lambda: read_broker_key(engine), DatabaseError, stop, action="read the broker's key"
    )
