"""Stored exports: add, claim, finish, find and remove. The file of each is in the home folder."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from contracts.errors import ExportNotFoundError, TooManyRequestsError
from contracts.times import utc_now
from records.database import reading, transaction
from records.tables.uploads import Export
from runtime.process_identity import claim_is_alive, claimant_name

KEPT: Final = timedelta(hours=24)
"""Then an export and its file are deleted."""
_MOST_OPEN: Final = 5
_MOST: Final = 50
_CLAIM: Final = timedelta(hours=1)


class ExportState(StrEnum):
    """The state of an export."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_OPEN: Final = (ExportState.QUEUED, ExportState.RUNNING)


@dataclass(frozen=True, slots=True)
class StoredExport:
    """One export. asked: what was asked for, as JSON. rows, bytes: None until it is done.

    erasure: the number of the latest erasure before it began.
    """

    id: str
    owner: str
    format: str
    asked: str
    state: ExportState
    error: str
    rows: int | None
    bytes: int | None
    erasure: int | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def file_name(self) -> str:
        """The name of its file."""
        return f"{self.id}.{self.format}"


def add_export(engine: Engine, owner: str, kind: str, asked: str) -> str:
    """Queue an export and return its id. kind: its format, which is the suffix of its file.

    Raises TooManyRequestsError if the owner has too many.
    """
    export_id = secrets.token_hex(12)
    with transaction(engine) as connection:
        own = select(func.count()).select_from(Export.__table__).where(Export.owner == owner)
        opened = connection.execute(own.where(Export.state.in_(_OPEN))).scalar_one()
        if opened >= _MOST_OPEN or connection.execute(own).scalar_one() >= _MOST:
            raise TooManyRequestsError(
                f"you have {opened} exports that are not done, and at most {_MOST} in all",
                hint=f"Wait until one of at most {_MOST_OPEN} is done, or delete old ones",
            )
        connection.execute(
            insert(Export).values(
                id=export_id,
                owner=owner,
                format=kind,
                asked=asked,
                state=ExportState.QUEUED,
                error="",
                created_at=utc_now(),
            )
        )
    return export_id


def claim_export(engine: Engine, erasure: int | None) -> StoredExport | None:
    """Claim the oldest export that no living process works on; None if there is none.

    erasure: the number of the latest erasure.
    """
    with transaction(engine) as connection:
        rows = connection.execute(
            select(Export.__table__).where(Export.state.in_(_OPEN)).order_by(Export.created_at)
        ).all()
        free = [one for one in rows if not claim_is_alive(one.claimed_by, one.claim_expires_at)]
        if not free:
            return None
        row = free[0]
        changed = connection.execute(
            update(Export)
            .where(Export.id == row.id, Export.claimed_by.is_not_distinct_from(row.claimed_by))
            .values(
                state=ExportState.RUNNING,
                claimed_by=claimant_name(),
                claim_expires_at=utc_now() + _CLAIM,
                erasure=erasure,
            )
        ).rowcount
        return find_export(connection, row.id) if changed else None


def finish_export(engine: Engine, export_id: str, rows: int, size: int, error: str) -> None:
    """Store the result of an export. error: why it failed; "" if it did not."""
    with transaction(engine) as connection:
        connection.execute(
            update(Export)
            .where(Export.id == export_id)
            .values(
                state=ExportState.FAILED if error else ExportState.DONE,
                error=error,
                rows=None if error else rows,
                bytes=None if error else size,
                finished_at=utc_now(),
                claimed_by=None,
            )
        )


def find_export(connection: Connection, export_id: str, owner: str | None = None) -> StoredExport:
    """Return an export. owner: only if it is theirs. Raises ExportNotFoundError."""
    query = select(Export.__table__).where(Export.id == export_id)
    if owner is not None:
        query = query.where(Export.owner == owner)
    row = connection.execute(query).first()
    if row is None:
        raise ExportNotFoundError(f"no export {export_id[:40]!r}")
    return _stored(row)


def list_exports(
    connection: Connection, owner: str, *, after: tuple[datetime, str] | None, limit: int
) -> Sequence[StoredExport]:
    """Return the exports of an owner, newest first.

    after: begin and id of the export before the first.
    """
    query = select(Export.__table__).where(Export.owner == owner)
    if after is not None:
        created_at, export_id = after
        same = (Export.created_at == created_at) & (Export.id > export_id)
        query = query.where((Export.created_at < created_at) | same)
    query = query.order_by(Export.created_at.desc(), Export.id).limit(limit)
    rows = connection.execute(query)
    return [_stored(row) for row in rows]


def remove_export(engine: Engine, export_id: str) -> None:
    """Delete an export's row."""
    with transaction(engine) as connection:
        connection.execute(delete(Export).where(Export.id == export_id))


def old_exports(engine: Engine, now: datetime) -> Sequence[StoredExport]:
    """Return the exports that are to be deleted."""
    with reading(engine) as connection:
        query = select(Export.__table__).where(Export.created_at < now - KEPT)
        return [_stored(row) for row in connection.execute(query)]


def _stored(row: Row[*tuple[Any, ...]]) -> StoredExport:
    return StoredExport(
        row.id,
        row.owner,
        row.format,
        row.asked,
        ExportState(row.state),
        row.error,
        row.rows,
        row.bytes,
        row.erasure,
        row.created_at,
        row.finished_at,
    )
