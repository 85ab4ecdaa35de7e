"""RunStore: the worker's fenced writes to the records of a run."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, select, update

from contracts.analysis_spec import AnalysisSpec
from contracts.errors import FenceLostError
from contracts.frame_results import LabelRevision
from contracts.frames import End
from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.times import utc_now
from inference_worker.batch import Batch
from inference_worker.batch_rows import (
    close_run,
    insert_dead_letters,
    insert_results,
)
from inference_worker.label_revisions import (
    apply_revisions,
    minutes_of_changes,
    revisions_of,
    stored_changes,
)
from inference_worker.minute_counters import add_minute_counts
from inference_worker.progress_rows import advance_progress, counter_columns
from inference_worker.track_remarks import (
    apply_remarks,
    left_out,
    marks_after,
    minutes_of,
    stored_remarks,
)
from records.database import reading, transaction
from records.json_columns import decode_run_options
from records.locks import lock_rollups
from records.runs.counted_runs import count_longest_stage, count_only_run
from records.runs.summary_steps import add_steps, steps_of_frames
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source

_TOKENS: Final = 2**62
_MAX_OPEN_RUNS: Final = 4096
_OPEN_RUNS: Final = (  # Made once: a worker asks four times a second.
    select(Run.run_id, Run.kind)
    .where(Run.state.not_in(ENDED_STATES))
    .order_by(Run.state == RunState.QUEUED, Run.id)
    .limit(_MAX_OPEN_RUNS)
)


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run at the moment a worker takes it.

    fence: every write requires it; it is stale once another worker takes the run. next_seq: the
    first frame that is not committed. attempts: crashes on that frame. crashed: the previous
    worker did not release the run. checkpoint: the analyzer's state, empty for a new run.
    """

    run_pk: int
    run_id: str
    source_pk: int
    source: str
    live: bool
    fence: int
    next_seq: int
    attempts: int
    crashed: bool
    checkpoint: bytes
    spec: AnalysisSpec


class RunStore:
    """Writes the runs of one worker.

    A write with a stale fence raises FenceLostError and changes nothing. Every method raises
    DatabaseError if the database cannot be reached.
    """

    def __init__(self, engine: Engine, holder: str) -> None:
        self._engine = engine
        self._holder = holder
        self._random = random.Random()

    def take(self, run_id: str, *, forgive_attempt: bool = False) -> TakenRun | None:
        """Become the run's holder. Return None if the database has no such unfinished run.

        forgive_attempt: do not count the last attempt at the head frame, because the broker or
        the database interrupted it.
        """
        with transaction(self._engine) as connection:
            run = _lock_unfinished(connection, run_id)
            if run is None:
                return None
            progress = connection.execute(
                update(RunProgress)
                .where(RunProgress.run_pk == run.id)
                .values(
                    fence=RunProgress.fence + 1,
                    holder=self._holder,
                    attempts=max(run.attempts - forgive_attempt, 0),
                )
                .returning(
                    RunProgress.fence,
                    RunProgress.next_seq,
                    RunProgress.attempts,
                    RunProgress.checkpoint,
                )
            ).one()
        options = decode_run_options(run.options).analysis
        return TakenRun(
            run_pk=run.id,
            run_id=run_id,
            source_pk=run.source_pk,
            source=run.source,
            live=run.kind == RunKind.LIVE,
            fence=progress.fence,
            next_seq=progress.next_seq,
            attempts=progress.attempts,
            crashed=run.holder is not None,
            checkpoint=progress.checkpoint,
            spec=AnalysisSpec(run.detector, run.model_version, options),
        )

    def open_runs(self) -> list[str]:
        """Return the ids of the runs that have not ended: live runs first, then the oldest.

        At most 4,096 of them, those that are running before those that are queued.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(_OPEN_RUNS).all()
        return [row.run_id for row in sorted(rows, key=lambda row: row.kind == RunKind.FILE)]

    def ended(self, run_ids: Sequence[str]) -> list[str]:
        """Return those of the runs that have ended."""
        if not run_ids:
            return []
        query = select(Run.run_id).where(Run.run_id.in_(run_ids), Run.state.in_(ENDED_STATES))
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def commit(self, run: TakenRun, batch: Batch) -> None:
        """Write a batch in one transaction. Raises FenceLostError if the fence is stale."""
        marks, revisions = marks_after(batch.results), revisions_of(batch.results)
        out = left_out(marks)
        with transaction(self._engine) as connection:
            remarks = stored_remarks(connection, run.run_pk, batch.results)
            changes = stored_changes(connection, run.run_pk, revisions.earlier, marks)
            add_minute_counts(
                connection,
                run.run_pk,
                run.source_pk,
                batch.samples,
                broker_lost=batch.broker_lost,
                dead_lettered=len(batch.dead_letters),
                changed=minutes_of(connection, run.run_pk, remarks) | minutes_of_changes(changes),
                token=self._token(),
            )
            advanced = advance_progress(connection, run.run_pk, run.fence, batch)
            progress = _if_current(advanced, run)
            apply_remarks(connection, run.run_pk, remarks, stepped=progress.stepped)
            apply_revisions(
                connection, run.run_pk, revisions.earlier, changes, stepped=progress.stepped
            )
            insert_results(connection, run.run_pk, revisions.results, marks)
            if progress.stepped:
                add_steps(connection, run.run_pk, steps_of_frames(revisions.results, out))
            insert_dead_letters(connection, run.run_pk, batch.dead_letters)

    def finish(
        self,
        run: TakenRun,
        end: End,
        *,
        broker_lost: int = 0,
        revisions: Sequence[LabelRevision] = (),
    ) -> None:
        """End the run with the totals of its End message. Raises FenceLostError.

        broker_lost: live frames that the broker lost between the last batch and the end.
        revisions: the labels that become final with the end.
        """
        state = RunState.FAILED if end.error else RunState.DONE
        earlier = {(one.frame_index, one.track_id): one for one in revisions}
        with transaction(self._engine) as connection:
            if not run.live:
                # `count_instead` wants the lock to be taken before any minute is marked dirty.
                lock_rollups(connection)
            changes = stored_changes(connection, run.run_pk, earlier)
            add_minute_counts(
                connection,
                run.run_pk,
                run.source_pk,
                (),
                end=end.counters,
                broker_lost=broker_lost,
                changed=minutes_of_changes(changes),
                token=self._token(),
            )
            progress = _update_progress(
                connection,
                run,
                {
                    "next_seq": end.seq + 1,
                    "holder": None,
                    "broker_lost": RunProgress.broker_lost + broker_lost,
                }
                # It holds how faces looked: kept only as long as somebody may need it.
                | ({"checkpoint": b""} if state is RunState.DONE else {})
                | counter_columns(end.counters),
            )
            apply_revisions(connection, run.run_pk, earlier, changes, stepped=progress.stepped)
            close_run(connection, run.run_pk, state, end)
            if not run.live:
                count = count_only_run if state is RunState.DONE else count_longest_stage
                count(connection, run.run_pk, self._token())

    def give_up(self, run: TakenRun, reason: str) -> None:
        """End a run that cannot go on. Its source loses its claim, and begins another run.

        reason: one line for people. Raises FenceLostError.
        """
        with transaction(self._engine) as connection:
            _update_progress(connection, run, {"holder": None})
            connection.execute(
                update(Run)
                .where(Run.id == run.run_pk)
                .values(
                    state=RunState.FAILED,
                    error=reason,
                    finished_at=utc_now(),
                    claimed_by=None,
                    claim_expires_at=None,
                )
            )

    def count_attempt(self, run: TakenRun) -> int:
        """Count one more attempt at the head frame; return the number of attempts."""
        with transaction(self._engine) as connection:
            values = {"attempts": RunProgress.attempts + 1}
            return int(_update_progress(connection, run, values).attempts)

    def release(self, run: TakenRun) -> None:
        """Give the run up, so that its next holder does not assume a crash."""
        with transaction(self._engine) as connection:
            connection.execute(
                update(RunProgress)
                .where(RunProgress.run_pk == run.run_pk, RunProgress.fence == run.fence)
                .values(holder=None)
            )

    def _token(self) -> int:
        return self._random.randrange(_TOKENS)


def _lock_unfinished(connection: Connection, run_id: str) -> Row[*tuple[Any, ...]] | None:
    """Return the run with its source and holder, its progress locked for the transaction."""
    return connection.execute(
        select(
            Run.id,
            Run.kind,
            Run.source_pk,
            Source.name.label("source"),
            Run.detector,
            Run.model_version,
            Run.options,
            RunProgress.holder,
            RunProgress.attempts,
        )
        .join(RunProgress, RunProgress.run_pk == Run.id)
        .join(Source, Source.id == Run.source_pk)
        .where(Run.run_id == run_id, Run.state.not_in(ENDED_STATES))
        .with_for_update(of=RunProgress)
    ).first()


def _update_progress(
    connection: Connection, run: TakenRun, values: dict[str, Any]
) -> Row[int, bool]:
    """Update the run's progress if the fence is current. Return its attempts and `stepped`."""
    row = connection.execute(
        update(RunProgress)
        .where(RunProgress.run_pk == run.run_pk, RunProgress.fence == run.fence)
        .values(updated_at=utc_now(), **values)
        .returning(RunProgress.attempts, RunProgress.stepped)
    ).first()
    return _if_current(row, run)


def _if_current(row: Row[int, bool] | None, run: TakenRun) -> Row[int, bool]:
    if row is None:
        raise FenceLostError(f"run {run.run_id} was taken by another worker")
    return row
