"""The worker's side of SQL: take a run with a fence, commit a batch, end it, let it go."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Engine, case, insert, select, true, update

from contracts.errors import FenceLostError
from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters, DropCause, End
from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.times import from_micros, utc_now
from inference_worker.accounting import Told, account
from records.database import reading, transaction
from records.locks import lock_rollups
from records.runs.counted_runs import count_instead
from records.runs.run_steps import add_steps, steps_of
from records.tables.faces import Face, Frame, Track
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.sources import Source
from records.upsert import upsert_of

_TOKENS: Final = 2**62


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run as its new holder found it. crashed: the holder before did not let go."""

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
    detector: str
    model_version: str
    analysis: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that is set aside, and why."""

    seq: int
    frame_index: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction adds to a run: all of it, or nothing.

    next_seq: the first frame after the batch. lost: frames of a live run that the broker lost
    before or between these. told: of each frame that could be read, in their order.
    source_cursor: of the batch's last key frame, or "".
    """

    next_seq: int
    results: Sequence[FrameResult]
    rejected: Sequence[Rejected]
    told: Sequence[Told]
    source_cursor: str
    checkpoint: bytes
    lost: int = 0


class RunStore:
    """Fenced writes of one worker. Every method raises DatabaseError while SQL is away."""

    def __init__(self, engine: Engine, holder: str) -> None:
        self._engine = engine
        self._holder = holder
        self._chance = random.Random()

    def take(self, run_id: str, *, forgive_attempt: bool = False) -> TakenRun | None:
        """Become the run's holder. None: the database knows no such unfinished run.

        forgive_attempt: the last try on the head frame was ended by broker or database, which
        says nothing about the frame.
        """
        with transaction(self._engine) as connection:
            run = connection.execute(
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
            if run is None:
                return None
            taken = connection.execute(
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
        return TakenRun(
            run_pk=run.id,
            run_id=run_id,
            source_pk=run.source_pk,
            source=run.source,
            live=run.kind == RunKind.LIVE,
            fence=taken.fence,
            next_seq=taken.next_seq,
            attempts=taken.attempts,
            crashed=run.holder is not None,
            checkpoint=taken.checkpoint,
            detector=run.detector,
            model_version=run.model_version,
            analysis=json.loads(run.options)["analysis"],
        )

    def has_ended(self, run_id: str) -> bool:
        """Whether the database knows the run as one that nobody will work on again."""
        with reading(self._engine) as connection:
            state = connection.execute(select(Run.state).where(Run.run_id == run_id)).scalar()
        return state in ENDED_STATES

    def commit(self, run: TakenRun, batch: Batch) -> None:
        """Write a batch. Raises FenceLostError, with nothing written, if the run is another's."""
        with transaction(self._engine) as connection:
            account(
                connection,
                run.run_pk,
                run.source_pk,
                batch.told,
                lost=batch.lost,
                poison=len(batch.rejected),
                token=self._token(),
            )
            stepped = self._advance(connection, run, batch)
            _insert_results(connection, run.run_pk, batch.results)
            if stepped:
                add_steps(connection, run.run_pk, steps_of(batch.results))
            _insert_rejected(connection, run.run_pk, batch.rejected)

    def finish(self, run: TakenRun, end: End, *, lost: int = 0) -> None:
        """End the run with the totals of its End message. lost: as in a Batch, before it."""
        state = RunState.FAILED if end.error else RunState.DONE
        with transaction(self._engine) as connection:
            if not run.live:
                lock_rollups(connection)  # Before it marks anything dirty, as `count_instead` asks.
            account(
                connection,
                run.run_pk,
                run.source_pk,
                (),
                end=end.counters,
                lost=lost,
                token=self._token(),
            )
            self._guarded(
                connection,
                run,
                {
                    "next_seq": end.seq + 1,
                    "holder": None,
                    "broker_lost": RunProgress.broker_lost + lost,
                }
                | _counter_columns(end.counters),
            )
            connection.execute(
                update(Run)
                .where(Run.id == run.run_pk)
                .values(
                    state=state,
                    error=end.error,
                    frames_total=end.frames_total,
                    finished_at=utc_now(),
                    claimed_by=None,
                    claim_expires_at=None,
                )
            )
            if state is RunState.DONE and not run.live:
                count_instead(connection, run.run_pk, self._token())

    def count_attempt(self, run: TakenRun) -> int:
        """Note that the head frame is about to be tried once more; the number of tries."""
        with transaction(self._engine) as connection:
            return int(
                self._guarded(connection, run, {"attempts": RunProgress.attempts + 1}).attempts
            )

    def release(self, run: TakenRun) -> None:
        """Let the run go cleanly: its next holder need not suspect a crash."""
        with transaction(self._engine) as connection:
            connection.execute(
                update(RunProgress)
                .where(RunProgress.run_pk == run.run_pk, RunProgress.fence == run.fence)
                .values(holder=None)
            )

    def _token(self) -> int:
        return self._chance.randrange(_TOKENS)

    def _advance(self, connection: Connection, run: TakenRun, batch: Batch) -> bool:
        """Whether the run's steps are kept: from its first commit on, or never."""
        values: dict[str, Any] = {
            "next_seq": batch.next_seq,
            "attempts": 0,
            "checkpoint": batch.checkpoint,
            "stepped": case((RunProgress.next_seq == 1, true()), else_=RunProgress.stepped),
            "frames_analyzed": RunProgress.frames_analyzed + len(batch.results),
            "faces": RunProgress.faces + sum(len(result.faces) for result in batch.results),
            "broker_lost": RunProgress.broker_lost + batch.lost,
        }
        if batch.told:
            values |= _counter_columns(batch.told[-1].counters)
        if batch.source_cursor:
            values["source_cursor"] = batch.source_cursor
        if batch.results:
            values["last_media_time_us"] = batch.results[-1].media_time_us
        return bool(self._guarded(connection, run, values).stepped)

    def _guarded(self, connection: Connection, run: TakenRun, values: dict[str, Any]) -> Any:
        """Update the run's progress if this holder's fence still stands, and return the row."""
        row = connection.execute(
            update(RunProgress)
            .where(RunProgress.run_pk == run.run_pk, RunProgress.fence == run.fence)
            .values(updated_at=utc_now(), **values)
            .returning(RunProgress.attempts, RunProgress.stepped)
        ).first()
        if row is None:
            raise FenceLostError(f"run {run.run_id} was taken by another worker")
        return row


def _counter_columns(counters: Counters) -> dict[str, Any]:
    """The run's totals. What happens here is counted here: poison, and what the broker lost."""
    here = (DropCause.POISON, DropCause.BROKER_LOST)
    dropped = {cause: count for cause, count in counters.dropped.items() if cause not in here}
    return {
        "frames_captured": counters.captured,
        "frames_sampled_out": counters.sampled_out,
        "dropped": json.dumps(dropped, sort_keys=True),
    }


def _insert_results(connection: Connection, run_pk: int, results: Sequence[FrameResult]) -> None:
    if not results:
        return
    connection.execute(insert(Frame), [_frame_row(run_pk, result) for result in results])
    faces = [_face_row(run_pk, result, face) for result in results for face in result.faces]
    if faces:
        connection.execute(insert(Face), faces)
        _extend_tracks(connection, _track_rows(run_pk, results))


def _insert_rejected(connection: Connection, run_pk: int, rejected: Sequence[Rejected]) -> None:
    for letter in rejected:
        connection.execute(
            insert(DeadLetter).values(
                run_pk=run_pk,
                seq=letter.seq,
                frame_index=letter.frame_index,
                reason=letter.reason,
                at=utc_now(),
            )
        )


def _extend_tracks(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """New tracks are added; known ones reach further."""
    connection.execute(_extending(connection.dialect.name), rows)


@cache
def _extending(dialect: str) -> Any:
    statement = upsert_of(dialect, Track)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["run_pk", "track_id"],
        set_={
            "last_frame_index": new.last_frame_index,
            "last_media_time_us": new.last_media_time_us,
            "faces": Track.faces + new.faces,
        },
    )


def _frame_row(run_pk: int, result: FrameResult) -> dict[str, Any]:
    return {
        "run_pk": run_pk,
        "frame_index": result.frame_index,
        "media_time_us": result.media_time_us,
        "captured_at": from_micros(result.captured_at_us),
        "dwell_ms": result.dwell_ms,
        "face_count": len(result.faces),
    }


def _face_row(run_pk: int, result: FrameResult, face: FaceResult) -> dict[str, Any]:
    return {
        "run_pk": run_pk,
        "frame_index": result.frame_index,
        "track_id": face.track_id,
        "x": face.box.x,
        "y": face.box.y,
        "w": face.box.w,
        "h": face.box.h,
        "emotion": face.emotion,
        "confidence": face.confidence,
        **dict(zip(EXPRESSIONS, face.probabilities, strict=True)),
        "smoothed_emotion": face.smoothed_emotion,
        "smoothed_confidence": face.smoothed_confidence,
        "quality": face.quality,
    }


def _track_rows(run_pk: int, results: Sequence[FrameResult]) -> list[dict[str, Any]]:
    """One row a track that these frames show: its first and last frame among them."""
    rows: dict[int, dict[str, Any]] = {}
    for result in results:
        for face in result.faces:
            row = rows.setdefault(
                face.track_id,
                {
                    "run_pk": run_pk,
                    "track_id": face.track_id,
                    "first_frame_index": result.frame_index,
                    "first_media_time_us": result.media_time_us,
                    "faces": 0,
                },
            )
            row["last_frame_index"] = result.frame_index
            row["last_media_time_us"] = result.media_time_us
            row["faces"] += 1
    return list(rows.values())
