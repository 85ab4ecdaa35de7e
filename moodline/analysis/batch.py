"""One `moodline analyze`: queue the recordings, and follow their runs until all have ended."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Engine, select

from contracts.errors import DatabaseError
from contracts.runs import RunState
from contracts.settings import Settings
from ingest.files.discovery import Recording, RefusedPath
from moodline.analysis.queueing import FileProgress, JobTemplate, RunStatus, prepare
from moodline.stack.stack import Stack
from records.database import reading, transaction
from records.runs.copies.originals import waiting_copies
from records.runs.queue import enqueue_file
from records.tables.runs import Run, RunProgress

_STEP_S: Final = 0.25
"""Time between two looks at the progress. The end of a run is reported at once."""
_RECLAIM_EVERY_STEPS: Final = 8
_RUNS_PER_QUERY: Final = 500


@dataclass(slots=True)
class BatchAnalysis:
    """The analysis of several recordings by a stack.

    on_change: called after each step with all files, and with what keeps them waiting, or "".
    """

    settings: Settings
    engine: Engine
    stack: Stack
    template: JobTemplate
    on_change: Callable[[Sequence[FileProgress], str], None]
    files: list[FileProgress] = field(default_factory=list)

    def run(self, paths: Sequence[Recording | RefusedPath]) -> list[FileProgress]:
        """Analyse all recordings; return the progress of each path, in the given order."""
        self.files = [FileProgress(str(path.path)) for path in paths]
        for index, path in enumerate(paths):
            self.files[index] = prepare(path, self.template)
            if self.files[index].job is not None:
                self._claim(self.files[index], again=self.template.again)
            self._step(0.0)
        steps = ended = 0
        while not all(progress.ended for progress in self.files):
            self._step(_STEP_S)
            steps += 1
            before, ended = ended, sum(progress.ended for progress in self.files)
            # A recording that has ended may be the original of copies.
            if steps % _RECLAIM_EVERY_STEPS == 0 or ended > before:
                with suppress(DatabaseError):  # The next step reports it.
                    self._reclaim()
        self.on_change(self.files, "")
        return self.files

    def _claim(self, progress: FileProgress, *, again: bool) -> None:
        assert progress.job is not None
        with transaction(self.engine) as connection:
            run = enqueue_file(
                connection,
                progress.job,
                claimant=self.stack.claimant,
                lease_s=self.settings.lease_s,
                again=again,
                again_before=self.template.begun_at,
                is_gone=self.template.is_gone,
            )
            progress.frames_before = connection.execute(
                select(RunProgress.frames_analyzed).where(RunProgress.run_pk == run.run_pk)
            ).scalar_one()
        # Uploads of one name share a run, which is submitted once.
        is_submitted = any(
            other.run is not None and other.run.claimed and other.run.run_id == run.run_id
            for other in self.files
        )
        progress.run = run
        if run.claimed and not is_submitted:
            self.stack.submit(run.run_id, run.run_pk)

    def _step(self, timeout_s: float) -> None:
        self.stack.step(timeout_s)
        waiting = [one for one in self.files if one.run is not None and not one.ended]
        try:
            statuses = self._statuses([one.run.run_id for one in waiting if one.run])
        except DatabaseError as exc:
            # The database may come back, and the frames wait in the broker.
            self.on_change(self.files, exc.line())
            return
        for progress in waiting:
            assert progress.run is not None
            status = statuses[progress.run.run_id]
            if progress.status and status.frames_analyzed > progress.status.frames_analyzed:
                self.stack.note_progress()
            progress.status = status
        self.on_change(self.files, self.stack.trouble)

    def _statuses(self, run_ids: Sequence[str]) -> dict[str, RunStatus]:
        statuses: dict[str, RunStatus] = {}
        with reading(self.engine) as connection:
            for start in range(0, len(run_ids), _RUNS_PER_QUERY):
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
                    .where(Run.run_id.in_(run_ids[start : start + _RUNS_PER_QUERY]))
                )
                for row in rows:
                    statuses[row.run_id] = RunStatus(
                        row.run_id, RunState(row.state), *tuple(row)[2:]
                    )
        return statuses

    def _reclaim(self) -> None:
        """Claim the runs that another command left unfinished, and copies that can be made now."""
        unclaimed = [
            (progress, progress.run.run_pk)
            for progress in self.files
            if progress.run is not None and not progress.run.claimed and not progress.ended
        ]
        with reading(self.engine) as connection:
            waiting = waiting_copies(connection, [run_pk for _, run_pk in unclaimed])
        for progress, run_pk in unclaimed:
            if run_pk not in waiting:
                self._claim(progress, again=False)
