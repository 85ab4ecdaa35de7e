"""Retention: removes old rows and keeps their sums.

Age counts from the end of the run. Rows are removed in batches of minutes. The same transaction
adds their sums to the rollups and marks the minutes dirty, so a roll-up that read the rows just
before runs again.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select

from analytics.history.rollups import write_minutes
from analytics.history.row_sums import MinuteSums, RowRange, face_sums, frame_sums, row_sums
from analytics.removal.minute_batches import frame_indexes, minute_batches
from analytics.removal.removed_sums import add_removed_sums
from analytics.runs.summary_steps import steps_of_rows
from analytics.snapshots import snapshot
from contracts.runs import ENDED_STATES
from contracts.settings import Settings
from contracts.times import MICROS, to_micros, utc_now
from records.database import transaction
from records.locks import lock_rollups
from records.rollups.sums import mark_dirty
from records.rollups.windows import MINUTE_S, WIDTHS
from records.runs.checkpoints import forget_looks
from records.runs.summary_steps import subtract_steps
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import RECOMPUTED_PART, RunMinute, rollups
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.sources import Source, SourceInterval

_RUNS_PER_QUERY: Final = 500


@dataclass(frozen=True, slots=True)
class RetentionPeriods:
    """The time that each kind of data is kept after its run ended; None means no limit.

    faces: with their tracks; at most as long as frames. minutes: rollups of a minute; at least as
    long as frames. rollups: all widths; at least as long as frames.
    """

    faces: timedelta | None
    frames: timedelta | None
    minutes: timedelta | None
    rollups: timedelta | None

    @classmethod
    def from_settings(cls, settings: Settings) -> "RetentionPeriods":
        """Return the periods of the settings, adjusted to the limits above."""
        unlimited = timedelta.max
        days = [
            timedelta(days=kept) if kept else unlimited
            for kept in (
                settings.keep_faces_days,
                settings.keep_frames_days,
                settings.keep_minutes_days,
                settings.keep_rollups_days,
            )
        ]
        faces, frames, minutes, all_of_them = days
        limited = (min(faces, frames), frames, max(minutes, frames), max(all_of_them, frames))
        return cls(*(None if age == unlimited else age for age in limited))


@dataclass(slots=True)
class RemovedCounts:
    """The number of rows that retention removed, by kind."""

    faces: int = 0
    frames: int = 0
    rollups: int = 0
    intervals: int = 0

    def line(self) -> str:
        """Return the counts as a line of text."""
        return (
            f"{self.faces:,} faces, {self.frames:,} frames, {self.rollups:,} rollups, "
            f"{self.intervals:,} source states"
        )


@dataclass(frozen=True, slots=True)
class _OldRun:
    run_pk: int
    source_pk: int
    finished_at: datetime | None


def apply_retention(
    engine: Engine, periods: RetentionPeriods, *, now: datetime | None = None
) -> RemovedCounts:
    """Remove data older than its period. A killed run can be repeated. Raises DatabaseError."""
    now = now or utc_now()
    removed = RemovedCounts()
    if periods.faces is not None:
        for run in _old_runs(engine, Face, now - periods.faces):
            removed.faces += _remove_faces(engine, run)
    if periods.frames is not None:
        for run in _old_runs(engine, Frame, now - periods.frames):
            removed.frames += _remove_frames(engine, run)
        removed.intervals = _remove_intervals(engine, now - periods.frames)
    if periods.minutes is not None:
        removed.rollups += _remove_rollups(engine, (MINUTE_S,), now - periods.minutes)
    if periods.rollups is not None:
        removed.rollups += _remove_rollups(engine, WIDTHS, now - periods.rollups)
    return removed


def _old_runs(
    engine: Engine, table: type[Face] | type[Frame], before: datetime
) -> Iterator[_OldRun]:
    """Yield the runs that ended before `before` and still have rows in the table."""
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
            .limit(_RUNS_PER_QUERY)
        )
        with snapshot(engine) as connection:
            runs = [
                _OldRun(row.id, row.source_pk, row.finished_at) for row in connection.execute(query)
            ]
        yield from runs
        if len(runs) < _RUNS_PER_QUERY:
            return
        after = runs[-1].run_pk


def _remove_faces(engine: Engine, run: _OldRun) -> int:
    removed = 0
    for rows in minute_batches(engine, run.run_pk):
        with transaction(engine) as connection:
            _keep_sums(connection, run, rows, face_sums, faces_only=True)
            removed += connection.execute(
                delete(Face).where(
                    Face.run_pk == run.run_pk, Face.frame_index.in_(frame_indexes(rows))
                )
            ).rowcount
            _recompute_minutes(connection, run, rows)
            forget_looks(connection, run.run_pk)
            # In the transaction of the last face: a killed retention does not return to this run.
            face_left = select(Face.run_pk).where(Face.run_pk == run.run_pk).exists()
            connection.execute(delete(Track).where(Track.run_pk == run.run_pk, ~face_left))
    return removed


def _remove_frames(engine: Engine, run: _OldRun) -> int:
    removed = 0
    for rows in minute_batches(engine, run.run_pk):
        with transaction(engine) as connection:
            _keep_sums(connection, run, rows, frame_sums, faces_only=False)
            removed += connection.execute(
                delete(Frame).where(
                    Frame.run_pk == run.run_pk, Frame.frame_index.in_(frame_indexes(rows))
                )
            ).rowcount
            connection.execute(
                delete(RunMinute).where(
                    RunMinute.run_pk == run.run_pk,
                    RunMinute.start >= rows.since_us,
                    RunMinute.start < rows.until_us,
                )
            )
            _recompute_minutes(connection, run, rows)
            frame_left = select(Frame.run_pk).where(Frame.run_pk == run.run_pk).exists()
            for table in (Track, DeadLetter):
                connection.execute(delete(table).where(table.run_pk == run.run_pk, ~frame_left))
    return removed


def _is_counted(connection: Connection, run: _OldRun) -> bool:
    """Return whether history counts the run; that may change between batches.

    The caller holds `lock_rollups`, as does everything that changes it.
    """
    query = select(Run.counted).where(Run.id == run.run_pk)
    return bool(connection.execute(query).scalar())


def _keep_sums(
    connection: Connection,
    run: _OldRun,
    rows: RowRange,
    sums: Callable[[Connection, RowRange], MinuteSums],
    *,
    faces_only: bool,
) -> None:
    """Keep the sums of rows that will be removed, if the run counts; its steps lose their share."""
    lock_rollups(connection)
    if _is_counted(connection, run):
        add_removed_sums(connection, run.run_pk, sums(connection, rows), run.finished_at)
    _subtract_steps(connection, run, rows, faces_only=faces_only)


def _subtract_steps(
    connection: Connection, run: _OldRun, rows: RowRange, *, faces_only: bool
) -> None:
    """Subtract the rows' share from the run's summary steps."""
    query = select(RunProgress.stepped).where(RunProgress.run_pk == run.run_pk).with_for_update()
    if connection.execute(query).scalar():
        sums = steps_of_rows(connection, run.run_pk, frame_indexes(rows), faces_only=faces_only)
        subtract_steps(connection, run.run_pk, sums)


def _recompute_minutes(connection: Connection, run: _OldRun, rows: RowRange) -> None:
    """Recompute these minutes of the source from the rows that are left."""
    found = row_sums(connection, RowRange(rows.since_us, rows.until_us))
    known = connection.execute(
        select(rollups.c.start).where(
            rollups.c.source_pk == run.source_pk,
            rollups.c.width_s == MINUTE_S,
            rollups.c.start >= rows.since_us,
            rollups.c.start < rows.until_us,
            rollups.c.part == RECOMPUTED_PART,
        )
    ).scalars()
    keys = {(run.source_pk, start) for start in known}
    keys |= {key for key in found if key[0] == run.source_pk}
    write_minutes(connection, {key: found.get(key, {}) for key in keys})
    starts = [start for _, start in keys]
    mark_dirty(connection, run.source_pk, starts, random.getrandbits(62))


def _remove_intervals(engine: Engine, before: datetime) -> int:
    """Remove old state intervals of live sources, except each source's latest."""
    latest = select(func.max(SourceInterval.id)).group_by(SourceInterval.source_pk)
    with transaction(engine) as connection:
        return connection.execute(
            delete(SourceInterval).where(
                SourceInterval.until < before, SourceInterval.id.not_in(latest)
            )
        ).rowcount


def _remove_rollups(engine: Engine, widths: tuple[int, ...], before: datetime) -> int:
    """Remove rollup parts that are not recomputed, by when their data arrived."""
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
                rollups.c.part != RECOMPUTED_PART,
                rollups.c.folded_at < before,
            )
            # A month in each transaction: the first retention may remove years.
            with snapshot(engine) as connection:
                first = connection.execute(select(func.min(rollups.c.start)).where(*old)).scalar()
            while first is not None and first < to_micros(before):
                with transaction(engine) as connection:
                    removed += connection.execute(
                        delete(rollups).where(*old, rollups.c.start < first + 30 * day_us)
                    ).rowcount
                first += 30 * day_us
    return removed
