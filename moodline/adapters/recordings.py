"""What the page Recordings has the pipeline do: queue files, find them again, draw onto a copy."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, select

from contracts.errors import MoodlineError, SourceError
from contracts.runs import RunKind
from contracts.settings import Settings
from contracts.shared_folders import SharedFolders
from inference_worker.faces.detect import detector_id
from ingest.files.discovery import Recording, RefusedPath, discover
from moodline.analysis.batch import Pins, queue_files
from moodline.analysis.run_spec import analysis_options, model_card
from records.audit import write_audit
from records.database import reading, transaction
from records.tables.runs import Run
from records.uploads import UploadError, UploadLine, Uploads
from records.watched_folders import watched_folders

_MOST_FILES: Final = 2000
_PROBE_S: Final = 60.0


@dataclass(slots=True)
class RecordingDesk:
    """Threads may share it. Raises MoodlineError in every method."""

    settings: Settings
    engine: Engine
    uploads: Uploads
    _drawing: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take_upload(self, upload: UploadLine) -> str:
        """Queue a whole upload, if it is a recording; its run."""
        refused = _refusal(upload.path)
        if refused:
            self.uploads.note_run(upload.id, None, refused)
            raise UploadError(refused)
        (run_id, error) = self._queued([Recording(upload.path, upload.name)])[0]
        self.uploads.note_run(upload.id, run_id, error)
        if run_id is None:
            raise UploadError(error)
        return run_id

    def take_folder(self, path: str, *, anywhere: bool) -> tuple[int, list[str]]:
        """Queue the recordings of a file or folder of this host: how many, and what was refused.

        anywhere: also outside the watched and the shared folders.
        """
        place = Path(path).expanduser().resolve()
        if not anywhere and not any(place.is_relative_to(root) for root in self.folders()):
            raise SourceError(
                f"{place} is in no folder that may be read from here",
                hint="Its owner adds it: moodline schedule add-folder FOLDER --every 10m",
            )
        found = discover([str(place)])[:_MOST_FILES]
        if not found:
            raise SourceError(f"{place} has no recording", hint="Check the path")
        told = self._queued(found)
        return sum(run is not None for run, _ in told), [why for _, why in told if why]

    def folders(self) -> list[Path]:
        """Those that are watched, and those that hosts share."""
        shared = SharedFolders.parse(self.settings.shared_folders)
        watched = [shared.local(one.path) for one in watched_folders(self.engine)]
        return sorted({one.resolve() for one in [*watched, *shared.folders.values()]})

    def file_of(self, run_id: str) -> Path | None:
        """Where the run's recording lies on this host; None when it is not here any more."""
        with reading(self.engine) as connection:
            row = connection.execute(select(Run.uri, Run.kind).where(Run.run_id == run_id)).first()
        if row is None or row.kind != RunKind.FILE:
            return None
        try:
            path = SharedFolders.parse(self.settings.shared_folders).local(row.uri)
        except SourceError:
            return None
        return path if path.is_file() else None

    def annotated(self, run_id: str) -> tuple[str, Path]:
        """("none" | "drawing" | "done" | "failed", where) of the run's annotated copy."""
        out = _copy_of(self.settings, run_id)
        with self._lock:
            process = self._drawing.get(run_id)
        if process is not None and process.poll() is None:
            return "drawing", out
        if out.exists():
            return "done", out
        return ("failed" if process is not None else "none"), out

    def annotate(self, run_id: str) -> None:
        """Begin to draw what was read onto a copy, in a process of its own; one at a time."""
        path = self.file_of(run_id)
        if path is None:
            raise SourceError("the recording is not here any more", hint="Send it again")
        state, out = self.annotated(run_id)
        with self._lock:
            if state in {"drawing", "done"}:
                return
            if any(one.poll() is None for one in self._drawing.values()):
                raise MoodlineError("another copy is being drawn", hint="Wait until it is done")
            out.parent.mkdir(parents=True, exist_ok=True)
            command = [
                sys.executable,
                "-m",
                "moodline.adapters.annotation_process",
                run_id,
                str(path),
                str(out),
            ]
            # It ends with its standard input: with this process.
            self._drawing = {
                run_id: subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            }

    def delete_copy(self, run_id: str, *, actor: str) -> None:
        """Delete the annotated copy, and write down who did. Raises MoodlineError for none."""
        state, out = self.annotated(run_id)
        if state != "done":
            raise MoodlineError("there is no annotated copy to delete")
        with transaction(self.engine) as connection:
            write_audit(connection, actor, "annotated copy deleted", {"run": run_id})
            try:
                out.unlink(missing_ok=True)
            except OSError as exc:  # And the audit does not say that it is gone.
                raise MoodlineError(
                    f"the annotated copy cannot be deleted: {exc.strerror}",
                    hint=f"Check who may write to {out.parent}",
                ) from exc
        with self._lock:
            self._drawing.pop(run_id, None)

    def _queued(self, found: Sequence[Recording | RefusedPath]) -> list[tuple[str | None, str]]:
        pins = Pins(
            detector=detector_id(self.settings.detector),
            model_version=model_card(self.settings).version,
            options=analysis_options(self.settings),
            folders=SharedFolders.parse(self.settings.shared_folders),
        )
        files = queue_files(self.settings, self.engine, found, pins)
        return [(one.ticket.run_id if one.ticket else None, one.error) for one in files]


def forget_recordings(settings: Settings, engine: Engine, run_ids: Sequence[str]) -> None:
    """After an erasure: what was drawn of these runs, and what was sent of runs that are gone."""
    for run_id in run_ids:
        _copy_of(settings, run_id).unlink(missing_ok=True)
    uploads_of(settings, engine).remove_old()


def _copy_of(settings: Settings, run_id: str) -> Path:
    return settings.uploads_path / "annotated" / f"{run_id}.mp4"


def remove_copies(settings: Settings, engine: Engine, now: datetime) -> int:
    """Delete annotated copies as old as uploads may be, and those of erased runs; how many."""
    removed = 0
    for copy in (settings.uploads_path / "annotated").glob("*.mp4"):
        with reading(engine) as connection:
            run = connection.execute(select(Run.id).where(Run.run_id == copy.stem)).first()
        age = now - datetime.fromtimestamp(copy.stat().st_mtime, UTC)
        days = settings.keep_uploads_days
        if run is None or 0 <= days < age / timedelta(days=1):
            copy.unlink(missing_ok=True)
            removed += 1
    return removed


def uploads_of(settings: Settings, engine: Engine) -> Uploads:
    """The uploads as the settings have them."""
    return Uploads(
        engine,
        settings.uploads_path,
        round(settings.max_upload_gb * 1e9),
        settings.keep_uploads_days if settings.keep_uploads_days >= 0 else None,
    )


def _refusal(path: Path) -> str:
    """Why the file is no recording, looked at in a process that may die of it; "" if it is one."""
    command = [sys.executable, "-m", "moodline.adapters.recording_check_process", str(path)]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_PROBE_S, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return "the file takes too long to open: it is damaged, or no recording"
    if done.returncode == 0:
        return ""
    said = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
    return said[0] if said else "the file cannot be opened: it is damaged, or no recording"
