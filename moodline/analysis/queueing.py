"""Recordings become queued runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from contracts.analysis_spec import AnalysisSpec
from contracts.errors import MoodlineError, SourceError
from contracts.runs import ENDED_STATES, RunState
from contracts.settings import Settings
from contracts.shared_folders import SharedFolders
from contracts.times import utc_now
from ingest.files.content_hash import Content, Opener, read_content
from ingest.files.discovery import Recording, RefusedPath
from records.database import transaction
from records.runs.file_job import FileJob, source_name
from records.runs.queue import QueuedRun, enqueue_file
from runtime.files.regular_files import open_regular


@dataclass(frozen=True, slots=True)
class JobTemplate:
    """The settings that all new runs of one command share.

    recorded_at, recorded_at_pattern, recorded_at_zone, source: given for all recordings. again:
    analyse recordings that have a finished run too. begun_at: runs that were queued since then are
    of this command.
    """

    spec: AnalysisSpec
    sampling_fps: float | None = None
    source: str | None = None
    recorded_at: datetime | None = None
    recorded_at_pattern: str | None = None
    recorded_at_zone: str | None = None
    again: bool = False
    folders: SharedFolders = field(default_factory=SharedFolders)
    begun_at: datetime = field(default_factory=utc_now)

    def is_gone(self, uri: str) -> bool:
        """Return whether this host can say that no file is at a stored address any more."""
        try:
            return not self.folders.local(uri).exists()
        except (SourceError, OSError):
            return False

    def job(self, recording: Recording, content: Content) -> FileJob:
        """Return the job for one recording with this content."""
        return FileJob(
            uri=self.folders.stored(recording.path),
            content_hash=content.digest,
            source=source_name(self.source or recording.name),
            source_given=self.source is not None,
            sampling_fps=self.sampling_fps,
            detector=self.spec.detector,
            model_version=self.spec.model_version,
            options=self.spec.options,
            recorded_at=self.recorded_at,
            recorded_at_pattern=self.recorded_at_pattern,
            recorded_at_zone=self.recorded_at_zone,
            file_state=content.file_state,
        )


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The state of a run. duration_us, frames_claimed: from the container, or None."""

    run_id: str
    state: RunState
    error: str
    frames_analyzed: int
    frames_captured: int
    faces: int
    last_media_time_us: int
    duration_us: int | None
    frames_claimed: int | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED_STATES

    @property
    def share(self) -> float | None:
        """The share of the recording that is done, 0..1; None if its length is unknown."""
        if self.ended:
            return 1.0
        if self.duration_us:
            return min(self.last_media_time_us / self.duration_us, 1.0)
        if self.frames_claimed:
            return min(self.frames_captured / self.frames_claimed, 1.0)
        return None


@dataclass(slots=True)
class FileProgress:
    """One path of the command. error: why it was refused before it had a run, or "".

    frames_before: frames that were analysed before this command.
    """

    path: str
    job: FileJob | None = None
    run: QueuedRun | None = None
    status: RunStatus | None = None
    frames_before: int = 0
    error: str = ""

    @property
    def ended(self) -> bool:
        return bool(self.error) or (self.status is not None and self.status.ended)


def prepare(
    path: Recording | RefusedPath, template: JobTemplate, open_file: Opener = open_regular
) -> FileProgress:
    """Return the path with its job, or with the error that refuses it."""
    progress = FileProgress(str(path.path))
    if isinstance(path, RefusedPath):
        progress.error = path.error.line()
        return progress
    try:
        progress.job = template.job(path, read_content(path.path, open_file))
    except MoodlineError as exc:
        progress.error = exc.line()
    return progress


def queue_files(
    settings: Settings,
    engine: Engine,
    paths: Sequence[Recording | RefusedPath],
    template: JobTemplate,
    open_file: Opener = open_regular,
) -> list[FileProgress]:
    """Create a run for each recording without claiming it: ingest services work on them.

    open_file: opens a recording to be hashed. Later it is read only if it has that hash.
    """
    files = []
    for path in paths:
        progress = prepare(path, template, open_file)
        files.append(progress)
        if progress.job is None:
            continue
        with transaction(engine) as connection:
            progress.run = enqueue_file(
                connection,
                progress.job,
                claimant=None,
                lease_s=settings.lease_s,
                again=template.again,
                again_before=template.begun_at,
                is_gone=template.is_gone,
            )
    return files
