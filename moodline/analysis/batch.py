"""One `analyze`: enqueue the recordings, watch their runs until all have ended."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, select

from contracts.analysis_spec import AnalysisOptions
from contracts.errors import DatabaseError, MoodlineError
from contracts.runs import ENDED_STATES, RunState
from contracts.settings import Settings
from contracts.shared_folders import SharedFolders
from ingest.files.content_hash import content_hash
from ingest.files.discovery import Recording, RefusedPath
from moodline.stack.stack import Stack
from records.database import reading, transaction
from records.runs.queue import FileJob, RunTicket, enqueue_file
from records.tables.runs import Run, RunProgress

_TURN_S: Final = 0.1
_RECLAIM_EVERY_TURNS: Final = 20
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Pins:
    """What every new run of this command is pinned to, and what its owner said of the files."""

    detector: str
    model_version: str
    options: AnalysisOptions
    sampling_fps: float | None = None
    source: str | None = None
    recorded_at: datetime | None = None
    recorded_at_pattern: str | None = None
    again: bool = False
    folders: SharedFolders = field(default_factory=SharedFolders)

    def job(self, found: Recording, digest: str) -> FileJob:
        """The work on one recording. digest: of its content."""
        return FileJob(
            uri=self.folders.stored(found.path),
            content_hash=digest,
            source=self.source or found.name,
            source_given=self.source is not None,
            sampling_fps=self.sampling_fps,
            detector=self.detector,
            model_version=self.model_version,
            options=self.options,
            recorded_at=self.recorded_at,
            recorded_at_pattern=self.recorded_at_pattern,
        )


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run stands, for the progress display. duration_us: the container's claim."""

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
        """How much of the recording is done, 0..1; None where the container does not say."""
        if self.ended:
            return 1.0
        if self.duration_us:
            return min(self.last_media_time_us / self.duration_us, 1.0)
        if self.frames_claimed:
            return min(self.frames_captured / self.frames_claimed, 1.0)
        return None


@dataclass(slots=True)
class FileProgress:
    """One recording of the command. error: why it was refused, before it had a run."""

    path: str
    job: FileJob | None = None
    ticket: RunTicket | None = None
    status: RunStatus | None = None
    frames_before: int = 0
    error: str = ""

    @property
    def ended(self) -> bool:
        return bool(self.error) or (self.status is not None and self.status.ended)


@dataclass(slots=True)
class AnalysisRun:
    """The recordings of one command, worked through by a stack.

    on_change is called after each turn, with all files and what keeps them waiting, or "".
    """

    settings: Settings
    engine: Engine
    stack: Stack
    pins: Pins
    on_change: Callable[[Sequence[FileProgress], str], None]
    files: list[FileProgress] = field(default_factory=list)

    def run(self, found: Sequence[Recording | RefusedPath]) -> list[FileProgress]:
        """Analyse everything; one FileProgress per path, in the order given."""
        self.files = [FileProgress(str(one.path)) for one in found]
        for progress, one in zip(self.files, found, strict=True):
            self._enqueue(progress, one)
            self._turn(0.0)
        turns = 0
        while not all(progress.ended for progress in self.files):
            self._turn(_TURN_S)
            turns += 1
            if turns % _RECLAIM_EVERY_TURNS == 0:
                with suppress(DatabaseError):  # The next turn says so.
                    self._reclaim()
        self.on_change(self.files, "")
        return self.files

    def _enqueue(self, progress: FileProgress, one: Recording | RefusedPath) -> None:
        if isinstance(one, RefusedPath):
            progress.error = one.error.line()
            return
        try:
            digest = content_hash(one.path)
        except MoodlineError as exc:
            progress.error = exc.line()
            return
        progress.job = self.pins.job(one, digest)
        self._claim(progress, again=self.pins.again)

    def _claim(self, progress: FileProgress, *, again: bool) -> None:
        assert progress.job is not None
        with transaction(self.engine) as connection:
            ticket = enqueue_file(
                connection,
                progress.job,
                claimant=self.stack.claimant,
                lease_s=self.settings.lease_s,
                again=again,
            )
            progress.frames_before = connection.execute(
                select(RunProgress.frames_analyzed).where(RunProgress.run_pk == ticket.run_pk)
            ).scalar_one()
        twin = any(
            other.ticket is not None and other.ticket.run_id == ticket.run_id
            for other in self.files
        )
        progress.ticket = ticket
        if ticket.mine and not twin:
            self.stack.submit(ticket.run_id, ticket.run_pk)

    def _turn(self, timeout_s: float) -> None:
        self.stack.step(timeout_s)
        waiting = [p for p in self.files if p.ticket is not None and not p.ended]
        try:
            statuses = self._statuses([p.ticket.run_id for p in waiting if p.ticket])
        except DatabaseError as exc:
            # It may come back, and the frames wait in the broker.
            self.on_change(self.files, exc.line())
            return
        for progress in waiting:
            assert progress.ticket is not None
            status = statuses[progress.ticket.run_id]
            if progress.status and status.frames_analyzed > progress.status.frames_analyzed:
                self.stack.note_progress()
            progress.status = status
        self.on_change(self.files, self.stack.trouble)

    def _statuses(self, run_ids: Sequence[str]) -> dict[str, RunStatus]:
        statuses: dict[str, RunStatus] = {}
        with reading(self.engine) as connection:
            for start in range(0, len(run_ids), _PAGE):
                rows = connection.execute(
                    select(
                        Run.run_id,
                        Run.state,
                        Run.error,
                        RunProgress.frames_analyzed,
                        RunProgress.frames_captured,
                        RunProgress.faces,
                        RunProgress.last_media_time_us,
                        Run.duration_us,
                        Run.frames_claimed,
                        Run.started_at,
                        Run.finished_at,
                    )
                    .join(RunProgress, RunProgress.run_pk == Run.id)
                    .where(Run.run_id.in_(run_ids[start : start + _PAGE]))
                )
                for row in rows:
                    statuses[row.run_id] = RunStatus(
                        row.run_id, RunState(row.state), *tuple(row)[2:]
                    )
        return statuses

    def _reclaim(self) -> None:
        """Take over the runs that another command had and left behind."""
        for progress in self.files:
            if progress.ticket is not None and not progress.ticket.mine and not progress.ended:
                self._claim(progress, again=False)


def queue_files(
    settings: Settings, engine: Engine, found: Sequence[Recording | RefusedPath], pins: Pins
) -> list[FileProgress]:
    """Make a run for each recording and claim none: ingest services take them."""
    files = []
    for one in found:
        progress = FileProgress(str(one.path))
        files.append(progress)
        if isinstance(one, RefusedPath):
            progress.error = one.error.line()
            continue
        try:
            progress.job = pins.job(one, content_hash(one.path))
        except MoodlineError as exc:
            progress.error = exc.line()
            continue
        with transaction(engine) as connection:
            progress.ticket = enqueue_file(
                connection,
                progress.job,
                claimant=None,
                lease_s=settings.lease_s,
                again=pins.again,
            )
    return files
