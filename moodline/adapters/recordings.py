"""Recordings for the dashboard: queue, find and annotate them. Implements `RecordingService`."""

import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from contracts.errors import MoodlineError, SourceError, UploadError
from contracts.media_types import MEDIA_TYPES
from contracts.runs import RunState
from contracts.settings import Settings
from contracts.zones.picture_options import AS_IN_SETTINGS, PictureOptions
from ingest.files.content_hash import Opener
from ingest.files.discovery import Recording, RefusedPath, discover_allowed
from moodline.adapters.recording_files import annotated_path
from moodline.adapters.recording_folders import allowed_folders, readable_folders
from moodline.adapters.run_media import RunMedia
from moodline.analysis.again import queue_again
from moodline.analysis.queueing import FileProgress, JobTemplate, queue_files
from moodline.analysis.run_spec import analysis_spec
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.locks import lock_queue
from records.runs.state_changes import run_state
from records.sources.tags import add_tags
from records.uploads.stored import StoredUpload
from records.uploads.uploads import Uploads
from runtime.files.free_space import FreeSpace
from runtime.files.regular_files import open_below, open_regular
from serving.services import (
    NO_DETAILS,
    AnnotatedCopy,
    CopyState,
    MediaAccess,
    MediaFile,
    QueuedFolder,
    RecordingDetails,
    TriedAgain,
)

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
    media: RunMedia = field(init=False)
    _drawing: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.media = RunMedia(self.settings, self.engine)

    def queue_upload(
        self,
        upload: StoredUpload,
        pictures: PictureOptions = AS_IN_SETTINGS,
        details: RecordingDetails = NO_DETAILS,
    ) -> str:
        """Queue a complete upload; return its run id.

        Raises UploadError if it is refused.
        """
        refusal = _check_recording(upload.path)
        if refusal:
            self.uploads.set_result(upload.id, None, refusal)
            raise UploadError(refusal)
        recording = Recording(upload.path, upload.name)
        (queued,) = self._queue([recording], open_regular, pictures, details)
        run_id = queued.run.run_id if queued.run else None
        self.uploads.set_result(upload.id, run_id, queued.error)
        if run_id is None:
            raise UploadError(queued.error)
        return run_id

    def queue_folder(
        self,
        path: str,
        pictures: PictureOptions = AS_IN_SETTINGS,
        details: RecordingDetails = NO_DETAILS,
    ) -> QueuedFolder:
        """Queue the recordings in a file or folder of this host, which the owner must allow.

        The path is literal, without patterns. A single file is opened before it is queued.
        """
        place = Path(path)
        allowed = allowed_folders(self.settings, self.engine)
        found = discover_allowed(place, allowed)[:_MAX_FILES]
        if not found:
            raise SourceError(f"{place} contains no recordings", hint="Check the path")
        if len(found) == 1:
            self._require_recording(found)
        files = self._queue(found, allowed.open, pictures, details)
        return QueuedFolder(
            queued=sum(one.run is not None for one in files),
            refused=tuple(one.error for one in files if one.error),
            run_ids=tuple(one.run.run_id for one in files if one.run is not None),
        )

    def readable_folders(self) -> list[Path]:
        """Return the folders that the owner allows."""
        return readable_folders(self.settings, self.engine)

    def upload_owners(self, run_ids: Collection[str]) -> Mapping[str, Set[str]]:
        """Return the users who sent the recordings of those of the runs that are uploads."""
        folder = self.uploads.folder.absolute()
        uploads = {
            run_id: path.relative_to(folder).parts[0]
            for run_id, path in self.media.stored_paths(run_ids).items()
            if path.is_relative_to(folder)
        }
        return self.uploads.owners(uploads)

    def queue_again(self, run_id: str) -> str:
        """Queue the recording of an ended run again, whatever its result; return the new run."""
        if not self.has_recording(run_id):
            raise SourceError("the recording is no longer on this host", hint="Upload it again")
        spec = analysis_spec(self.settings)
        with transaction(self.engine) as connection:
            lock_queue(connection)
            _, queued = queue_again(connection, run_id, spec, self.settings.lease_s, again=True)
        return queued.run_id

    def try_again(self, run_id: str) -> TriedAgain:
        """Queue the recording of a run that failed or was cancelled again."""
        spec = analysis_spec(self.settings)
        with transaction(self.engine) as connection:
            lock_queue(connection)
            if run_state(connection, run_id) not in {RunState.FAILED, RunState.CANCELLED}:
                return TriedAgain(run_id, queued=False)
            _, queued = queue_again(connection, run_id, spec, self.settings.lease_s)
        return TriedAgain(queued.run_id, queued=not queued.reused)

    def has_recording(self, run_id: str) -> bool:
        """Return whether the run's recording is on this host."""
        path = self.media.stored_path(run_id)
        return path is not None and path.is_file()

    def media_access(self, run_id: str) -> MediaAccess:
        """Return what may be sent of the run's recording."""
        return self.media.access(run_id)

    def open_recording(self, run_id: str) -> MediaFile:
        """Open the run's recording, to be sent."""
        return self.media.open(run_id)

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

    def open_copy(self, run_id: str) -> MediaFile:
        """Open the run's finished annotated copy, to be sent."""
        self.media.require_covered(run_id)
        copy = self.annotated_copy(run_id)
        if copy.state is not CopyState.DONE:
            raise MoodlineError(
                "this run has no finished annotated copy", hint="Draw the annotated copy first"
            )
        try:
            file = open_below(copy.path.parent, [copy.path.name])
        except OSError as exc:
            raise MoodlineError(f"the annotated copy cannot be read: {exc.strerror}") from exc
        return MediaFile(file, MEDIA_TYPES[copy.path.suffix])

    def start_annotation(self, run_id: str) -> None:
        """Start to draw the annotated copy in a process of its own, one copy at a time."""
        self.media.open_to_draw(run_id).close()
        path = self.media.stored_path(run_id)
        if path is None:
            raise SourceError("the recording is gone", hint="Upload it again")
        copy = self.annotated_copy(run_id)
        with self._lock:
            if copy.state in {CopyState.DRAWING, CopyState.DONE}:
                return
            if any(one.poll() is None for one in self._drawing.values()):
                raise MoodlineError("another copy is being drawn", hint="Wait until it is done")
            copy.path.parent.mkdir(parents=True, exist_ok=True)
            # The copy is not larger than the analysed frames, and seldom than the recording.
            space = FreeSpace(self.settings.min_free_bytes)
            space.require(copy.path.parent, path.stat().st_size, "the annotated copy")
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
            write_audit_entry(connection, actor, Action.COPY_DELETED, {"run": run_id})
            try:
                copy.path.unlink(missing_ok=True)
            except OSError as exc:  # This rolls the audit entry back.
                raise MoodlineError(
                    f"the annotated copy cannot be deleted: {exc.strerror}",
                    hint=f"Check who may write to {copy.path.parent}",
                ) from exc
        with self._lock:
            self._drawing.pop(run_id, None)

    def _require_recording(self, found: Sequence[Recording | RefusedPath]) -> None:
        """Raise SourceError if a process cannot open one of these files."""
        for one in found:
            refusal = _check_recording(one.path) if isinstance(one, Recording) else ""
            if refusal:
                raise SourceError(refusal)

    def _queue(
        self,
        found: Sequence[Recording | RefusedPath],
        open_file: Opener,
        pictures: PictureOptions,
        details: RecordingDetails,
    ) -> list[FileProgress]:
        template = JobTemplate(
            spec=analysis_spec(self.settings, pictures=pictures),
            source=details.source or None,
            recorded_at=details.recorded_at,
            folders=self.settings.shared_folders,
        )
        files = queue_files(self.settings, self.engine, found, template, open_file)
        queued = [one.run.run_pk for one in files if one.run is not None]
        if details.tags and queued:
            with transaction(self.engine) as connection:
                for run_pk in queued:
                    add_tags(connection, run_pk, details.tags)
        return files


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
