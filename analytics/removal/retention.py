"""Retention: old rows go, and what they added up to stays.

Ages count from ingestion: from when a run ended. The rows of a run are removed some minutes at a
time; in the same transaction their sums become a part of the rollups, and the minutes dirty: who
had read the rows just before folds these minutes once more.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select

from analytics.history.rollups import write_minutes
from analytics.history.row_sums import Rows, all_sums, face_sums, frame_sums
from analytics.removal.minute_batches import frames_of, minute_slices
from analytics.removal.removed_sums import settle
from analytics.runs.step_sums import sums_of
from analytics.snapshots import snapshot
from contracts.runs import ENDED_STATES
from contracts.settings import Settings
from contracts.times import MICROS, to_micros, utc_now
from records.database import transaction
from records.locks import lock_rollups
from records.rollup_sums import mark_dirty
from records.runs.run_steps import take_steps
from records.tables.faces import Face, Frame, Track
from records.tables.operations import JobRun
from records.tables.rollups import RECOMPUTED, RunMinute, rollups
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.sources import Source, SourceInterval
from records.windows import MINUTE_S, WIDTHS

_RUNS_A_LOOK: Final = 500


@dataclass(frozen=True, slots=True)
class Ages:
    """How long each class of data is kept, from its ingestion; None: for ever.

    faces: with their tracks; never longer than their frames. minutes: the finest rollups, never
    shorter than the frames. rollups: all of them.
    """

    faces: timedelta | None
    frames: timedelta | None
    minutes: timedelta | None
    rollups: timedelta | None

    @classmethod
    def of(cls, settings: Settings) -> "Ages":
        """As the settings say, each at least what the others need."""
        never = timedelta.max
        days = [
            timedelta(days=kept) if kept else never
            for kept in (
                settings.keep_faces_days,
                settings.keep_frames_days,
                settings.keep_minutes_days,
                settings.keep_rollups_days,
            )
        ]
        faces, frames, minutes, all_of_them = days
        ages = (min(faces, frames), frames, max(minutes, frames), max(all_of_them, frames))
        return cls(*(None if age == never else age for age in ages))


@dataclass(slots=True)
class Removed:
    """What retention removed."""

    faces: int = 0
    frames: int = 0
    rollups: int = 0
    intervals: int = 0

    def line(self) -> str:
        """As a person reads it."""
        return (
            f"{self.faces:,} faces, {self.frames:,} frames, {self.rollups:,} rollups, "
            f"{self.intervals:,} source states"
        )


@dataclass(frozen=True, slots=True)
class _OldRun:
    run_pk: int
    source_pk: int
    finished_at: datetime | None


def apply_retention(engine: Engine, ages: Ages, *, now: datetime | None = None) -> Removed:
    """Remove what is older than its age. A killed one can be repeated. Raises DatabaseError."""
    now = now or utc_now()
    removed = Removed()
    if ages.faces is not None:
        for run in _old_runs(engine, Face, now - ages.faces):
            removed.faces += _remove_faces(engine, run)
    if ages.frames is not None:
        for run in _old_runs(engine, Frame, now - ages.frames):
            removed.frames += _remove_frames(engine, run)
        removed.intervals = _remove_intervals(engine, now - ages.frames)
    if ages.minutes is not None:
        removed.rollups += _remove_rollups(engine, (MINUTE_S,), now - ages.minutes)
    if ages.rollups is not None:
        removed.rollups += _remove_rollups(engine, WIDTHS, now - ages.rollups)
    return removed


def forget_job_runs(engine: Engine, before: datetime) -> int:
    """Remove what is known of old runs of scheduled jobs; the latest of each job stays."""
    latest = (
        select(JobRun.job, func.max(JobRun.scheduled_at).label("at"))
        .group_by(JobRun.job)
        .subquery()
    )
    kept = select(latest.c.job).where(
        latest.c.job == JobRun.job, latest.c.at == JobRun.scheduled_at
    )
    with transaction(engine) as connection:
        return connection.execute(
            delete(JobRun).where(JobRun.scheduled_at < before, ~kept.correlate(JobRun).exists())
        ).rowcount


def _old_runs(
    engine: Engine, table: type[Face] | type[Frame], before: datetime
) -> Iterator[_OldRun]:
    """The runs that ended before, and still have rows."""
    after = 0
    while True:
        query = (
            select(Run.id, Run.source_pk, Run.finished_at)
            .where(
                Run.id > after,
                Run.state.in_(ENDED_STATES),
                Run.finished_at < before,
                select(table.run_pk).where(table.run_pk == Run.id).exists(),
            )
            .order_by(Run.id)
            .limit(_RUNS_A_LOOK)
        )
        with snapshot(engine) as connection:
            runs = [
                _OldRun(row.id, row.source_pk, row.finished_at) for row in connection.execute(query)
            ]
        yield from runs
        if len(runs) < _RUNS_A_LOOK:
            return
        after = runs[-1].run_pk


def _remove_faces(engine: Engine, run: _OldRun) -> int:
    removed = 0
    for rows in minute_slices(engine, run.run_pk):
        with transaction(engine) as connection:
            lock_rollups(connection)
            if _is_counted(connection, run):
                settle(connection, run.run_pk, face_sums(connection, rows), run.finished_at)
            _take_steps(connection, run, rows, faces_alone=True)
            removed += connection.execute(
                delete(Face).where(Face.run_pk == run.run_pk, Face.frame_index.in_(frames_of(rows)))
            ).rowcount
            _compute_again(connection, run, rows)
            # With the last face, not after it: a killed retention does not come back to the run.
            face_left = select(Face.run_pk).where(Face.run_pk == run.run_pk).exists()
            connection.execute(delete(Track).where(Track.run_pk == run.run_pk, ~face_left))
    return removed


def _remove_frames(engine: Engine, run: _OldRun) -> int:
    removed = 0
    for rows in minute_slices(engine, run.run_pk):
        with transaction(engine) as connection:
            lock_rollups(connection)
            if _is_counted(connection, run):
                settle(connection, run.run_pk, frame_sums(connection, rows), run.finished_at)
            _take_steps(connection, run, rows, faces_alone=False)
            removed += connection.execute(
                delete(Frame).where(
                    Frame.run_pk == run.run_pk, Frame.frame_index.in_(frames_of(rows))
                )
            ).rowcount
            connection.execute(
                delete(RunMinute).where(
                    RunMinute.run_pk == run.run_pk,
                    RunMinute.start >= rows.since_us,
                    RunMinute.start < rows.until_us,
                )
            )
            _compute_again(connection, run, rows)
            frame_left = select(Frame.run_pk).where(Frame.run_pk == run.run_pk).exists()
            for table in (Track, DeadLetter):
                connection.execute(delete(table).where(table.run_pk == run.run_pk, ~frame_left))
    return removed


def _is_counted(connection: Connection, run: _OldRun) -> bool:
    """Whether history counts the run now: another may have taken its place since the last slice.

    Under `lock_rollups`, which whoever changes it has, too.
    """
    query = select(Run.counted).where(Run.id == run.run_pk)
    return bool(connection.execute(query).scalar())


def _take_steps(connection: Connection, run: _OldRun, rows: Rows, *, faces_alone: bool) -> None:
    """What the rows are in the run's steps goes with them."""
    query = select(RunProgress.stepped).where(RunProgress.run_pk == run.run_pk).with_for_update()
    if connection.execute(query).scalar():
        sums = sums_of(connection, run.run_pk, frames_of(rows), faces_alone=faces_alone)
        take_steps(connection, run.run_pk, sums)


def _compute_again(connection: Connection, run: _OldRun, rows: Rows) -> None:
    """What is left of these minutes of the source, without the rows that went."""
    found = all_sums(connection, Rows(rows.since_us, rows.until_us))
    known = connection.execute(
        select(rollups.c.start).where(
            rollups.c.source_pk == run.source_pk,
            rollups.c.width_s == MINUTE_S,
            rollups.c.start >= rows.since_us,
            rollups.c.start < rows.until_us,
            rollups.c.part == RECOMPUTED,
        )
    ).scalars()
    keys = {(run.source_pk, start) for start in known}
    keys |= {key for key in found if key[0] == run.source_pk}
    write_minutes(connection, {key: found.get(key, {}) for key in keys})
    starts = [start for _, start in keys]
    mark_dirty(connection, run.source_pk, starts, random.getrandbits(62))


def _remove_intervals(engine: Engine, before: datetime) -> int:
    """Old states of live sources; each one's latest stays."""
    latest = select(func.max(SourceInterval.id)).group_by(SourceInterval.source_pk)
    with transaction(engine) as connection:
        return connection.execute(
            delete(SourceInterval).where(
                SourceInterval.until < before, SourceInterval.id.not_in(latest)
            )
        ).rowcount


def _remove_rollups(engine: Engine, widths: tuple[int, ...], before: datetime) -> int:
    """Parts that are never computed again, by when their data came in."""
    removed = 0
    day_us = 86_400 * MICROS
    with snapshot(engine) as connection:
        sources = list(connection.execute(select(Source.id)).scalars())
    for source_pk in sources:
        for width_s in widths:
            old = (
                rollups.c.source_pk == source_pk,
                rollups.c.width_s == width_s,
                rollups.c.start < to_micros(before),
                rollups.c.part != RECOMPUTED,
                rollups.c.folded_at < before,
            )
            # A month at a time: the first time there may be years.
            with snapshot(engine) as connection:
                first = connection.execute(select(func.min(rollups.c.start)).where(*old)).scalar()
            while first is not None and first < to_micros(before):
                with transaction(engine) as connection:
                    removed += connection.execute(
                        delete(rollups).where(*old, rollups.c.start < first + 30 * day_us)
                    ).rowcount
                first += 30 * day_us
    return removed
