"""Uploads: recordings that users send to the dashboard in chunks.

The bytes are in FOLDER/ID/NAME; the size of the file is the number of bytes received.
"""

import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, or_, select, update

from contracts.errors import UploadError
from contracts.times import utc_now
from records.database import reading, transaction
from records.locks import lock_uploads
from records.tables.runs import Run
from records.tables.uploads import Upload
from records.uploads.names import safe_name
from records.uploads.room import Room, write_error
from records.uploads.stored import StoredUpload, UploadFolder, no_such_upload

MAX_CHUNK_BYTES: Final = 8 * 2**20
UNFINISHED_LIFETIME: Final = timedelta(days=1)
"""An upload that is unfinished or was refused is deleted after this time without a change."""
_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of an installation.

    kept_days: days that a file is kept after its analysis; None keeps it until it is removed.
    """

    engine: Engine
    folder: Path
    max_bytes: int
    kept_days: int | None
    room: Room = field(default_factory=Room)

    def start(self, name: str, size: int, mark: str, owner: str) -> StoredUpload:
        """Start an upload, or return the owner's unfinished upload of the same file.

        mark: a fingerprint of the file. Raises UploadError if the name is not that of a video or
        the file is empty or too large, and DiskFullError if there is no room for it.
        """
        name = safe_name(name)
        if size <= 0:
            raise UploadError(
                f"{name} is empty (0 bytes)", hint="Copy it from the camera again, and send it"
            )
        if size > self.max_bytes:
            raise UploadError(
                f"{name} has {size / 1e9:.1f} GB; the limit is {self.max_bytes / 1e9:.1f} GB",
                hint="Raise MOODLINE_MAX_UPLOAD_GB, or copy the file into a folder on the server",
            )
        known = self._unfinished(name, size, mark, owner)
        if known is not None:
            return known
        upload_id = secrets.token_hex(16)
        with transaction(self.engine) as connection:
            lock_uploads(connection)
            self.room.require(self.folder, self._read(connection), name, size, owner)
            self._create_file(upload_id, name)
            connection.execute(
                insert(Upload).values(
                    id=upload_id,
                    name=name,
                    size=size,
                    mark=mark,
                    owner=owner,
                    error="",
                    changed_at=utc_now(),
                )
            )
        return self.get(upload_id)

    def get(self, upload_id: str) -> StoredUpload:
        """Return an upload. Raises UploadError if it does not exist or was removed."""
        found = self._select(upload_id) if _ID.fullmatch(upload_id) else ()
        if not found:
            raise no_such_upload()
        return found[0]

    def append(self, upload_id: str, offset: int, data: bytes) -> int:
        """Append a chunk, and return the bytes received so far.

        Raises UploadError if the offset is not the number of received bytes, the chunk or the
        file is too large, or the disk cannot be written; DiskFullError if it is nearly full.
        """
        upload = self.get(upload_id)
        if upload.received != offset or upload.run_id or len(data) > MAX_CHUNK_BYTES:
            raise UploadError(f"cannot add to {upload.name}: continue at byte {upload.received}")
        if offset + len(data) > upload.size:
            raise UploadError(
                f"{upload.name} is larger than the announced {upload.size} bytes",
                hint="Send it again",
            )
        try:
            self.room.space.require(self.folder, len(data), upload.name)
            with upload.path.open("r+b") as file:
                file.seek(offset)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise write_error(upload.name, exc) from exc
        self._update(upload_id, {"changed_at": utc_now()})
        return offset + len(data)

    def set_modified(self, upload_id: str, modified_at: float) -> None:
        """Give the file the time at which its owner changed it last, in seconds since 1970.

        The time of its recording may depend on it. A time in the future is ignored.
        """
        if modified_at > utc_now().timestamp():
            return
        with suppress(OSError):  # It keeps the time at which it was sent.
            os.utime(self.get(upload_id).path, (modified_at, modified_at))

    def set_result(self, upload_id: str, run_id: str | None, error: str) -> None:
        """Store the run that analyses a complete upload, or why there is none."""
        self._update(upload_id, {"run_id": run_id, "error": error, "changed_at": utc_now()})

    def remove(self, upload_id: str) -> None:
        """Delete an upload's file. Raises UploadError if it does not exist."""
        upload = self.get(upload_id)
        shutil.rmtree(upload.path.parent, ignore_errors=True)
        if upload.path.exists():
            raise UploadError(f"{upload.path} cannot be deleted", hint="Check its permissions")
        self._update(upload_id, {"removed_at": utc_now()})

    def remove_expired(self, now: datetime | None = None) -> int:
        """Delete abandoned and expired uploads, and return how many there were."""
        now = now or utc_now()
        removed = 0
        for upload in self.all():
            ready = not upload.is_unfinished and not upload.error
            abandoned = not ready and now - upload.changed_at > UNFINISHED_LIFETIME
            if abandoned or (upload.expires_at is not None and upload.expires_at <= now):
                self.remove(upload.id)
                removed += 1
        self._forget_erased()
        return removed

    def all(self) -> Sequence[StoredUpload]:
        """Return all uploads that were not removed, newest first."""
        return self._select()

    def listed(self, run_ids: Sequence[str]) -> Sequence[StoredUpload]:
        """Return the uploads of these runs, and all that have no run, newest first."""
        with reading(self.engine) as connection:
            of_runs = or_(Upload.run_id.is_(None), Upload.run_id.in_(run_ids))
            return self._read(connection, of_runs)

    def owners(self, uploads: Mapping[str, str]) -> Mapping[str, Set[str]]:
        """Return the users who sent the recordings of runs, also in uploads that were removed.

        uploads: by run id, the id of the upload whose file the run reads. Others may have sent the
        same file.
        """
        wanted = or_(Upload.run_id.in_(uploads), Upload.id.in_(uploads.values()))
        query = select(Upload.id, Upload.run_id, Upload.owner).where(wanted)
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return {
            run_id: {row.owner for row in rows if run_id == row.run_id or upload_id == row.id}
            for run_id, upload_id in uploads.items()
        }

    def _select(self, upload_id: str | None = None) -> Sequence[StoredUpload]:
        with reading(self.engine) as connection:
            chosen = None if upload_id is None else Upload.id == upload_id
            return self._read(connection, chosen)

    def _read(
        self, connection: Connection, chosen: ColumnElement[bool] | None = None
    ) -> Sequence[StoredUpload]:
        return UploadFolder(self.folder, self.kept_days).read(connection, chosen)

    def _forget_erased(self) -> None:
        """Delete the rows of removed uploads of erased runs: a file's name may name a person."""
        run_left = select(Run.id).where(Run.run_id == Upload.run_id).exists()
        with transaction(self.engine) as connection:
            connection.execute(
                delete(Upload).where(
                    Upload.removed_at.is_not(None), Upload.run_id.is_not(None), ~run_left
                )
            )

    def _unfinished(self, name: str, size: int, mark: str, owner: str) -> StoredUpload | None:
        query = select(Upload.id).where(
            Upload.name == name,
            Upload.size == size,
            Upload.mark == mark,
            Upload.owner == owner,
            Upload.run_id.is_(None),
            Upload.error == "",
            Upload.removed_at.is_(None),
        )
        with reading(self.engine) as connection:
            upload_id = connection.execute(query.limit(1)).scalar()
        return self.get(upload_id) if upload_id else None

    def _create_file(self, upload_id: str, name: str) -> None:
        folder = self.folder / upload_id
        try:
            folder.mkdir(mode=0o700)
            (folder / name).touch(mode=0o600)
        except OSError as exc:
            raise write_error("the folder of uploads", exc) from exc

    def _update(self, upload_id: str, values: dict[str, object]) -> None:
        with transaction(self.engine) as connection:
            connection.execute(update(Upload).where(Upload.id == upload_id).values(**values))
