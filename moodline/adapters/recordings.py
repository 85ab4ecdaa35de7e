"""Recordings for the dashboard: queue, find and annotate them. Implements `RecordingService`."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, select

from contracts.errors import MoodlineError, SourceError, UploadError
from contracts.runs import RunKind
from contracts.settings import Settings
from dashboard.web.services import AnnotatedCopy, CopyState, QueuedFolder
from ingest.files.discovery import Recording, RefusedPath, discover
from moodline.adapters.recording_files import annotated_path
from moodline.analysis.queueing import FileProgress, JobTemplate, queue_files
from moodline.analysis.run_spec import analysis_spec
from records.audit import write_audit_entry
from records.database import reading, transaction
from records.tables.runs import Run
from records.uploads import StoredUpload, Uploads
from records.watched_folders import watched_folders

_MAX_FILES: Final = 2000
_CHECK_TIMEOUT_S: Final = 60.0


@dataclass(slots=True)
class RecordingLibrary:
    """Queues and finds recordings, and draws annotated copies. Threads may share it.

    Methods raise MoodlineError.
    """

    settings: Settings
    engine: Engine
    uploads: Uploads
    _drawing: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def queue_upload(self, upload: StoredUpload) -> str:
        """Queue a complete upload; return its run id. Raises UploadError if it is refused."""
        refusal = _check_recording(upload.path)
        if refusal:
            self.uploads.set_result(upload.id, None, refusal)
            raise UploadError(refusal)
        (queued,) = self._queue([Recording(upload.path, upload.name)])
        run_id = queued.run.run_id if queued.run else None
        self.uploads.set_result(upload.id, run_id, queued.error)
        if run_id is None:
            raise UploadError(queued.error)
        return run_id

    def queue_folder(self, path: str, *, anywhere: bool) -> QueuedFolder:
        """Queue the recordings in a file or folder of this host.

        anywhere: whether it may be outside `readable_folders`.
        """
        place = Path(path).expanduser().resolve()
        if not anywhere and not any(place.is_relative_to(root) for root in self.readable_folders()):
            raise SourceError(
                f"{place} is not in a folder that the dashboard may read",
                hint="On that host, run `moodline schedule add-folder FOLDER --every 10m`",
            )
        found = discover([str(place)])[:_MAX_FILES]
        if not found:
            raise SourceError(f"{place} contains no recordings", hint="Check the path")
        files = self._queue(found)
        return QueuedFolder(
            queued=sum(one.run is not None for one in files),
            refused=tuple(one.error for one in files if one.error),
        )

    def readable_folders(self) -> list[Path]:
        """Return the watched and the shared folders."""
        shared = self.settings.shared_folders
        watched = [shared.local(one.path) for one in watched_folders(self.engine)]
        return sorted({one.resolve() for one in [*watched, *shared.folders.values()]})

    def recording_path(self, run_id: str) -> Path | None:
        """Return the path of the run's recording on this host; None if it is gone."""
        with reading(self.engine) as connection:
            row = connection.execute(select(Run.uri, Run.kind).where(Run.run_id == run_id)).first()
        if row is None or row.kind != RunKind.FILE:
            return None
        try:
            path = self.settings.shared_folders.local(row.uri)
        except SourceError:
            return None
        return path if path.is_file() else None

    def annotated_copy(self, run_id: str) -> AnnotatedCopy:
        """Return the state and the path of the run's annotated copy."""
        out = annotated_path(self.settings, run_id)
        with self._lock:
            process = self._drawing.get(run_id)
        if process is not None and process.poll() is None:
            return AnnotatedCopy(CopyState.DRAWING, out)
        if out.exists():
            return AnnotatedCopy(CopyState.DONE, out)
        return AnnotatedCopy(CopyState.FAILED if process is not None else CopyState.NONE, out)

    def start_annotation(self, run_id: str) -> None:
        """Start to draw the annotated copy in a process of its own, one copy at a time."""
        path = self.recording_path(run_id)
        if path is None:
            raise SourceError("the recording is gone", hint="Upload it again")
        copy = self.annotated_copy(run_id)
        with self._lock:
            if copy.state in {CopyState.DRAWING, CopyState.DONE}:
                return
            if any(one.poll() is None for one in self._drawing.values()):
                raise MoodlineError("another copy is being drawn", hint="Wait until it is done")
            copy.path.parent.mkdir(parents=True, exist_ok=True)
            module = "moodline.adapters.annotation_process"
            command = [sys.executable, "-m", module, run_id, str(path), str(copy.path)]
            # It ends when its standard input closes, so it never outlives this process.
            self._drawing = {
                run_id: subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            }

    def delete_copy(self, run_id: str, *, actor: str) -> None:
        """Delete the annotated copy, and write the deletion to the audit."""
        copy = self.annotated_copy(run_id)
        if copy.state is not CopyState.DONE:
            raise MoodlineError("there is no annotated copy to delete")
        with transaction(self.engine) as connection:
            write_audit_entry(connection, actor, "annotated copy deleted", {"run": run_id})
            try:
                copy.path.unlink(missing_ok=True)
            except OSError as exc:  # This rolls the audit entry back.
                raise MoodlineError(
                    f"the annotated copy cannot be deleted: {exc.strerror}",
                    hint=f"Check who may write to {copy.path.parent}",
                ) from exc
        with self._lock:
            self._drawing.pop(run_id, None)

    def _queue(self, found: Sequence[Recording | RefusedPath]) -> list[FileProgress]:
        template = JobTemplate(
            spec=analysis_spec(self.settings), folders=self.settings.shared_folders
        )
        return queue_files(self.settings, self.engine, found, template)


def _check_recording(path: Path) -> str:
    """Return why the file is not a recording, or "". A child process opens it and may crash."""
    command = [sys.executable, "-m", "moodline.adapters.recording_check_process", str(path)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=_CHECK_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return "the file takes too long to open: it is damaged or not a recording"
    if done.returncode == 0:
        return ""
    reason = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
    return reason[0] if reason else "the file cannot be opened: it is damaged or not a recording"
