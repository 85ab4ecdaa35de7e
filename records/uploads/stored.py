"""A stored upload, and how uploads are read from the database and the disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Row, select

from contracts.errors import UploadError
from contracts.runs import ENDED_STATES
from records.tables.runs import Run
from records.tables.uploads import Upload


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """The current status of one upload.

    owner: the user who sends it. received: bytes received. expires_at: when the file is deleted;
    None if not scheduled, because uploads are kept or the analysis has not ended.
    """

    id: str
    name: str
    size: int
    received: int
    owner: str
    run_id: str | None
    error: str
    changed_at: datetime
    expires_at: datetime | None
    path: Path

    @property
    def is_unfinished(self) -> bool:
        """Whether more bytes may come."""
        return self.received < self.size and not self.error


@dataclass(frozen=True, slots=True)
class UploadFolder:
    """The folder of uploads. kept_days: as in Uploads."""

    path: Path
    kept_days: int | None

    def read(
        self, connection: Connection, chosen: ColumnElement[bool] | None = None
    ) -> Sequence[StoredUpload]:
        """Return the chosen uploads (None: all) that were not removed, newest first."""
        query = (
            select(Upload.__table__, Run.state, Run.finished_at)
            .join(Run, Run.run_id == Upload.run_id, isouter=True)
            .where(Upload.removed_at.is_(None))
            .order_by(Upload.changed_at.desc())
        )
        if chosen is not None:
            query = query.where(chosen)
        return [self._stored(row) for row in connection.execute(query)]

    def _stored(self, row: Row[tuple[object, ...]]) -> StoredUpload:
        path = self.path / row.id / row.name
        return StoredUpload(
            id=row.id,
            name=row.name,
            size=row.size,
            received=path.stat().st_size if path.exists() else 0,
            owner=row.owner,
            run_id=row.run_id,
            error=row.error,
            changed_at=row.changed_at,
            expires_at=self._expires_at(row),
            path=path,
        )

    def _expires_at(self, row: Row[tuple[object, ...]]) -> datetime | None:
        if row.run_id is not None and row.state is None:
            changed_at: datetime = row.changed_at
            return changed_at  # Its run was erased, so the file must go as well.
        finished_at: datetime | None = row.finished_at
        if self.kept_days is None or row.state not in ENDED_STATES or finished_at is None:
            return None
        return finished_at + timedelta(days=self.kept_days)


def no_such_upload() -> UploadError:
    """Return the error for an upload that does not exist, or is another user's."""
    return UploadError("no such upload: it may have expired", hint="Send the file again")
