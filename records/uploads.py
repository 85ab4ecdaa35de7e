"""Recordings that are sent to the dashboard: in pieces, resumed by offset, kept as long as set.

The bytes lie in a folder, FOLDER/ID/NAME; how many there are, the file itself says.
"""

import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, insert, select, update

from contracts.errors import MoodlineError
from contracts.media_types import VIDEO_SUFFIXES, is_video
from contracts.runs import ENDED_STATES
from contracts.times import utc_now
from records.database import reading, transaction
from records.tables.runs import Run
from records.tables.uploads import Upload

CHUNK: Final = 8 * 2**20
"""Bytes that are sent at a time, at most."""
ABANDONED: Final = timedelta(days=1)
_SPARE: Final = 2**30
_MOST_OPEN: Final = 20
_ID: Final = re.compile(r"[0-9a-f]{32}")
_UNWANTED: Final = re.compile(r"[^\w .,()+=@-]")


class UploadError(MoodlineError):
    """Raised for what cannot be taken: too large, of another kind, at another offset."""


@dataclass(frozen=True, slots=True)
class UploadLine:
    """One upload as it is now. received: bytes that are here. goes_at: when they go; None: not
    as long as nobody removes them, or not before the analysis ended.
    """

    id: str
    name: str
    size: int
    received: int
    run_id: str | None
    error: str
    changed_at: datetime
    goes_at: datetime | None
    path: Path


@dataclass(frozen=True, slots=True)
class Uploads:
    """The uploads of an installation. kept_days: after the analysis; None is for ever."""

    engine: Engine
    folder: Path
    most_bytes: int
    kept_days: int | None

    def begin(self, name: str, size: int, mark: str, owner: str) -> UploadLine:
        """Take a file, or go on with the same one of the same person. Raises UploadError."""
        name = safe_name(name)
        if not 0 < size <= self.most_bytes:
            raise UploadError(
                f"{name} has {size / 1e9:.1f} GB, and {self.most_bytes / 1e9:.1f} GB are the most",
                hint="MOODLINE_MAX_UPLOAD_GB sets it; larger ones can be put into a folder there",
            )
        open_ = [one for one in self._lines() if one.received < one.size and not one.error]
        known = self._same(name, size, mark, owner)
        if known is not None:
            return known
        if len(open_) >= _MOST_OPEN:
            raise UploadError(f"{_MOST_OPEN} uploads are not complete", hint="Wait for some")
        upload = secrets.token_hex(16)
        try:
            (self.folder / upload).mkdir(parents=True, mode=0o700)
            free = shutil.disk_usage(self.folder).free
            if free < size + _SPARE:
                (self.folder / upload).rmdir()
                raise UploadError(
                    f"there is no room for {name}: {free / 1e9:.1f} GB are free there",
                    hint="Remove what is not needed, or set MOODLINE_UPLOADS to another disk",
                )
            (self.folder / upload / name).touch(mode=0o600)
        except OSError as exc:
            raise UploadError(f"cannot write into {self.folder}: {exc.strerror}") from exc
        with transaction(self.engine) as connection:
            connection.execute(
                insert(Upload).values(
                    id=upload,
                    name=name,
                    size=size,
                    mark=mark,
                    owner=owner,
                    error="",
                    changed_at=utc_now(),
                )
            )
        return self.find(upload)

    def find(self, upload: str) -> UploadLine:
        """One that is here. Raises UploadError."""
        found = [one for one in self._lines(upload) if _ID.fullmatch(upload)]
        if not found:
            raise UploadError("there is no such upload any more", hint="Send the file again")
        return found[0]

    def append(self, upload: str, offset: int, data: bytes) -> int:
        """Add a piece; how many bytes are here now. Raises UploadError for another offset."""
        line = self.find(upload)
        if line.received != offset or line.run_id or len(data) > CHUNK:
            raise UploadError(f"{line.name}: go on at byte {line.received}")
        if offset + len(data) > line.size:
            raise UploadError(f"{line.name} is longer than was said", hint="Send it again")
        try:
            with line.path.open("r+b") as file:
                file.seek(offset)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise UploadError(f"cannot write {line.name}: {exc.strerror}") from exc
        self._note(upload)
        return offset + len(data)

    def note_run(self, upload: str, run_id: str | None, error: str) -> None:
        """Say what became of a whole one: its analysis, or why there is none."""
        with transaction(self.engine) as connection:
            connection.execute(
                update(Upload)
                .where(Upload.id == upload)
                .values(run_id=run_id, error=error, changed_at=utc_now())
            )

    def remove(self, upload: str) -> None:
        """Delete its bytes. Raises UploadError."""
        line = self.find(upload)
        shutil.rmtree(line.path.parent, ignore_errors=True)
        with transaction(self.engine) as connection:
            connection.execute(
                update(Upload).where(Upload.id == upload).values(removed_at=utc_now())
            )

    def remove_old(self, now: datetime | None = None) -> int:
        """Delete what nobody went on with, and what is analysed and old enough; how many."""
        now = now or utc_now()
        removed = 0
        for line in self._lines():
            stale = (line.received < line.size or line.error) and now - line.changed_at > ABANDONED
            if stale or (line.goes_at is not None and line.goes_at <= now):
                self.remove(line.id)
                removed += 1
        return removed

    def of_run(self, run_id: str) -> UploadLine | None:
        """The upload that the run analysed, while it is here."""
        return next((one for one in self._lines() if one.run_id == run_id), None)

    def listed(self) -> Sequence[UploadLine]:
        """Those that are here, the newest first."""
        return self._lines()

    def _lines(self, only: str | None = None) -> list[UploadLine]:
        query = (
            select(Upload.__table__, Run.state, Run.finished_at)
            .join(Run, Run.run_id == Upload.run_id, isouter=True)
            .where(Upload.removed_at.is_(None))
            .order_by(Upload.changed_at.desc())
        )
        if only is not None:
            query = query.where(Upload.id == only)
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        lines = []
        for row in rows:
            path = self.folder / row.id / row.name
            goes_at = None
            if self.kept_days is not None and row.state in ENDED_STATES and row.finished_at:
                goes_at = row.finished_at + timedelta(days=self.kept_days)
            if row.run_id is not None and row.state is None:
                goes_at = row.changed_at  # Its run was erased: so is it.
            lines.append(
                UploadLine(
                    row.id,
                    row.name,
                    row.size,
                    path.stat().st_size if path.exists() else 0,
                    row.run_id,
                    row.error,
                    row.changed_at,
                    goes_at,
                    path,
                )
            )
        return lines

    def _same(self, name: str, size: int, mark: str, owner: str) -> UploadLine | None:
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
            upload = connection.execute(query.limit(1)).scalar()
        return self.find(upload) if upload else None

    def _note(self, upload: str) -> None:
        with transaction(self.engine) as connection:
            connection.execute(
                update(Upload).where(Upload.id == upload).values(changed_at=utc_now())
            )


def safe_name(name: str) -> str:
    """A file's name as it can be kept: one that leads nowhere. Raises UploadError for no video."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = _UNWANTED.sub("_", plain).strip()
    stem, dot, suffix = plain.rpartition(".")
    if not is_video(f"{dot}{suffix}"):
        raise UploadError(
            f"{plain[-60:] or 'that'} is no recording",
            hint=f"Give one of {', '.join(VIDEO_SUFFIXES)}",
        )
    stem = stem.strip(" .")[:100] or "recording"
    return f"{stem}.{suffix.lower()}"
