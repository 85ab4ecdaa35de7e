"""RunMedia: the recordings of runs, opened so that the dashboard can send them."""

import os
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import Engine, Row, select

from contracts.errors import SourceError
from contracts.media_types import MEDIA_TYPES
from contracts.runs import RunKind
from contracts.settings import Settings
from ingest.files.content_hash import digest_of, file_state
from moodline.adapters.recording_folders import playable_folders
from records.database import reading
from records.runs.content_masks import NOTHING, content_masks, covered_by
from records.tables.runs import Run, RunProgress
from serving.services import MediaAccess, MediaFile

_MAX_CHECKED: Final = 1000


@dataclass(slots=True)
class RunMedia:
    """Finds and opens the recordings of runs. Threads may share it.

    A recording is sent if a picture of it was decoded, its suffix is that of a media type, it is an
    upload or in a folder that the owner allows, it still has the content that was analysed, and no
    run of that content has privacy masks: those are in copies of it, not in the recording.
    """

    settings: Settings
    engine: Engine
    _checked: dict[tuple[str, str], bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stored_path(self, run_id: str) -> Path | None:
        """Return the path of a run's recording on this host, whether it is there or not.

        It says nothing about who may see it. None for a live run, and without the shared folder.
        """
        return self.stored_paths([run_id]).get(run_id)

    def stored_paths(self, run_ids: Collection[str]) -> Mapping[str, Path]:
        """Return the paths of those of the runs for which `stored_path` knows one."""
        query = select(Run.run_id, Run.uri, Run.kind).where(Run.run_id.in_(run_ids))
        with reading(self.engine) as connection:
            rows = connection.execute(query).all()
        paths = ((row.run_id, self._path(row)) for row in rows)
        return {run_id: path for run_id, path in paths if path is not None}

    def access(self, run_id: str) -> MediaAccess:
        """Return what may be sent of the run's recording, without reading it."""
        row = self._row(run_id)
        try:
            self._open(row).close()
        except SourceError:
            return MediaAccess.GONE
        return self._covering(row)

    def open(self, run_id: str) -> MediaFile:
        """Open the recording of a run, to be sent. The caller closes it. Raises SourceError."""
        row = self._row(run_id)
        if self._covering(row) is not MediaAccess.WHOLE:
            raise SourceError(
                "the recording has privacy masks, so it is not sent itself",
                hint="Draw the annotated video of the run that has the masks",
            )
        file = self._open_analyzed(row)
        assert row is not None
        return MediaFile(file, MEDIA_TYPES[Path(row.uri).suffix.lower()])

    def open_to_draw(self, run_id: str) -> BinaryIO:
        """Open the recording for an annotated copy, which has the run's masks.

        The caller closes it. Raises SourceError.
        """
        self.require_covered(run_id)
        return self._open_analyzed(self._row(run_id))

    def require_covered(self, run_id: str) -> None:
        """Raise SourceError if a picture of the run would show what a newer run masks."""
        if self._covering(self._row(run_id)) is MediaAccess.UNCOVERED:
            raise SourceError(
                "a newer run of this recording has privacy masks, which this run lacks",
                hint="Open the newer run",
            )

    def _covering(self, row: Row[*tuple[Any, ...]] | None) -> MediaAccess:
        if row is None:
            return MediaAccess.GONE
        with reading(self.engine) as connection:
            wanted = content_masks(connection, row.content_hash)
        if wanted == NOTHING:
            return MediaAccess.WHOLE
        is_covered = covered_by(row.options) == wanted
        return MediaAccess.MASKED if is_covered else MediaAccess.UNCOVERED

    def _open_analyzed(self, row: Row[*tuple[Any, ...]] | None) -> BinaryIO:
        """Open the recording if it has the content that was analysed. Raises SourceError."""
        file = self._open(row)
        assert row is not None
        try:
            if not self._has_content(file, row):
                raise SourceError(
                    "the recording was changed after its analysis", hint="Analyse it again"
                )
        except BaseException:  # Also for Ctrl-C: the file must not stay open.
            file.close()
            raise
        return file

    def _row(self, run_id: str) -> Row[*tuple[Any, ...]] | None:
        content = (Run.content_hash, Run.file_state, RunProgress.frames_captured)
        query = (
            select(Run.uri, Run.kind, Run.options, *content)
            .join(RunProgress, RunProgress.run_pk == Run.id)
            .where(Run.run_id == run_id)
        )
        with reading(self.engine) as connection:
            return connection.execute(query).first()

    def _path(self, row: Row[*tuple[Any, ...]]) -> Path | None:
        if row.kind != RunKind.FILE:
            return None
        try:
            return self.settings.shared_folders.local(row.uri)
        except SourceError:
            return None

    def _open(self, row: Row[*tuple[Any, ...]] | None) -> BinaryIO:
        path = self._path(row) if row is not None else None
        if row is None or path is None:
            raise _gone()
        if not row.frames_captured or path.suffix.lower() not in MEDIA_TYPES:
            raise SourceError("no picture of this recording was analysed, so it is not sent")
        try:
            return playable_folders(self.settings, self.engine).open(path)
        except OSError as exc:
            raise _gone() from exc

    def _has_content(self, file: BinaryIO, row: Row[*tuple[Any, ...]]) -> bool:
        """Return whether the file is the analysed one. It is read only if it looks changed."""
        state = file_state(file)
        if state == row.file_state:
            return True
        status = os.fstat(file.fileno())
        key = (row.content_hash, f"{status.st_dev} {status.st_ino} {status.st_ctime_ns} {state}")
        with self._lock:
            known = self._checked.get(key)
        if known is None:
            known = digest_of(file) == row.content_hash
            with self._lock:
                if len(self._checked) >= _MAX_CHECKED:
                    self._checked.clear()
                self._checked[key] = known
        return known


def _gone() -> SourceError:
    return SourceError(
        "the recording is not on this host, or not in a folder that the dashboard may read",
        hint="Upload it, or let the owner add its folder to MOODLINE_RECORDING_FOLDERS",
    )
