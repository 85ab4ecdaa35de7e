"""Erasure: deletes records of people by source, run or time, and writes a receipt.

Rows are erased to the microsecond. Removed sums are erased by whole minutes, or by whole quarters
of an hour where only those are stored. Uptime is not a record of people: it is erased only
together with its source.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select, update

from analytics.history.rollups import roll_up_all
from analytics.history.row_sums import RowRange
from analytics.removal.counting import count_records
from analytics.removal.deletion import delete_run
from analytics.removal.erased_alerts import alert_events_in_scope, erase_alert_events
from analytics.removal.erasure_scope import (
    ErasureScope,
    ScopedRun,
    dead_letters_in_scope,
    runs_in_scope,
)
from analytics.removal.minute_batches import frame_indexes, minute_batches
from analytics.removal.receipts import DeleteCopies, Receipt, close_erasure, no_copies
from analytics.removal.removed_sums import erase_removed_sums
from analytics.runs.summary_steps import steps_of_rows
from analytics.snapshots import snapshot
from contracts.errors import RunBusyError, SettingsError
from contracts.runs import RunKind
from records.audit_actions import Action
from records.database import transaction
from records.locks import lock_rollups
from records.rollups.sums import mark_dirty
from records.rollups.windows import window_start
from records.runs.checkpoints import forget_looks
from records.runs.summary_steps import subtract_steps
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.sources import Source, SourceInterval

_MINUTE_US: Final = 60_000_000


def erase(
    engine: Engine,
    scope: ErasureScope,
    *,
    actor: str,
    dry_run: bool = False,
    delete_copies: DeleteCopies = no_copies,
) -> Receipt:
    """Erase the scope, roll up what is left, and write the receipt to the audit.

    A killed erasure can be repeated. Raises SettingsError if the scope or its range is empty,
    SourceNotFoundError, RunNotFoundError, and RunBusyError if a recording in the scope is being
    analysed.
    """
    if scope == ErasureScope():
        raise SettingsError(
            "the scope is empty, which would erase everything",
            hint="Give a source, a run or a time",
        )
    if scope.has_range and scope.since_us >= scope.until_us:
        raise SettingsError("the range is empty", hint="--from must be before --to")
    with snapshot(engine) as connection:
        runs = runs_in_scope(connection, scope)
        receipt = count_records(connection, scope, runs, dry_run=dry_run)
        events = alert_events_in_scope(connection, scope, runs)
    busy = next((run for run in runs if run.busy and run.kind != RunKind.LIVE), None)
    if busy is not None:
        raise RunBusyError(f"run {busy.run_id} is being analysed", hint="Cancel it first")
    if dry_run:
        return receipt
    with transaction(engine) as connection:
        erase_alert_events(connection, events)
    for run in runs:
        if run.ended and not scope.has_range:
            delete_run(engine, run.run_id)
        else:
            _erase_within(engine, scope, run)
    if scope.source is not None and scope.run_id is None and not scope.has_range:
        _erase_source(engine, scope.source)
    roll_up_all(engine)
    return close_erasure(
        engine, scope, receipt, actor=actor, action=Action.ERASED, delete_copies=delete_copies
    )


def erase_run(
    engine: Engine, run_id: str, *, actor: str, delete_copies: DeleteCopies = no_copies
) -> Receipt:
    """Delete a run, ended or not, with its copies and traces; write a receipt to the audit.

    Raises RunNotFoundError, and RunBusyError if a live process is working on it.
    """
    return erase_runs(engine, [run_id], actor=actor, delete_copies=delete_copies)


def erase_runs(
    engine: Engine,
    run_ids: Sequence[str],
    *,
    actor: str,
    delete_copies: DeleteCopies = no_copies,
) -> Receipt:
    """Delete runs, ended or not, with their copies and traces; write one receipt for all.

    A killed deletion can be repeated with the runs that are left. Raises RunNotFoundError, and
    RunBusyError if a live process is working on one of them.
    """
    with snapshot(engine) as connection:
        runs = [
            run
            for run_id in run_ids
            for run in runs_in_scope(connection, ErasureScope(run_id=run_id))
        ]
        receipt = count_records(connection, ErasureScope(), runs, dry_run=False)
    for run_id in run_ids:
        delete_run(engine, run_id)
    roll_up_all(engine)
    scope = ErasureScope(run_id=", ".join(run_ids))
    return close_erasure(
        engine, scope, receipt, actor=actor, action=Action.RUN_DELETED, delete_copies=delete_copies
    )


def _erase_within(engine: Engine, scope: ErasureScope, run: ScopedRun) -> None:
    """Erase the run's rows in the range in batches, and the run itself if nothing is left."""
    since_us, until_us = scope.since_us, scope.until_us
    before = window_start(until_us, 60)
    # First: their time of capture follows from the frames around them.
    _erase_dead_letters(engine, scope, run)
    if run.ended:
        with transaction(engine) as connection:
            forget_looks(connection, run.pk)
    for rows in minute_batches(engine, run.pk, since_us, until_us):
        clipped = replace(
            rows, since_us=max(rows.since_us, since_us), until_us=min(rows.until_us, until_us)
        )
        with transaction(engine) as connection:
            # run_minutes first, as in a worker's commit, or the two could deadlock. Only whole
            # minutes: the counts of a partly erased minute also cover the rest of it.
            first = -window_start(-clipped.since_us, 60)
            connection.execute(
                delete(RunMinute).where(
                    RunMinute.run_pk == run.pk,
                    RunMinute.start >= first,
                    RunMinute.start < min(window_start(clipped.until_us, 60), before),
                )
            )
            _erase_rows(connection, run, clipped)
    with transaction(engine) as connection:
        lock_rollups(connection)
        erase_removed_sums(connection, run.pk, run.source_pk, since_us, until_us)
        left = connection.execute(
            select(Frame.run_pk).where(Frame.run_pk == run.pk).limit(1)
        ).first()
        sums = connection.execute(
            select(rollups.c.part)
            .where(rollups.c.source_pk == run.source_pk, rollups.c.part == run.pk)
            .limit(1)
        ).first()
        dead = connection.execute(
            select(DeadLetter.seq).where(DeadLetter.run_pk == run.pk).limit(1)
        ).first()
    if run.ended and left is sums is dead is None:
        delete_run(engine, run.run_id)


def _erase_dead_letters(engine: Engine, scope: ErasureScope, run: ScopedRun) -> None:
    with transaction(engine) as connection:
        seqs = dead_letters_in_scope(connection, scope, run)
        connection.execute(
            delete(DeadLetter).where(DeadLetter.run_pk == run.pk, DeadLetter.seq.in_(seqs))
        )
        connection.execute(
            update(RunProgress)
            .where(RunProgress.run_pk == run.pk)
            .values(erased=RunProgress.erased + len(seqs))
        )


def _erase_rows(connection: Connection, run: ScopedRun, rows: RowRange) -> None:
    first, last = window_start(rows.since_us, 60), window_start(rows.until_us - 1, 60)
    minutes = range(first, last + _MINUTE_US, _MINUTE_US)
    mark_dirty(connection, run.source_pk, minutes, random.getrandbits(62))
    # Locked from here on, so that no frame is added between summing and deleting.
    of_run = select(RunProgress.stepped).where(RunProgress.run_pk == run.pk)
    stepped = connection.execute(of_run.with_for_update()).scalar()
    chosen = frame_indexes(rows)
    if stepped:
        sums = steps_of_rows(connection, run.pk, chosen, faces_only=False)
        subtract_steps(connection, run.pk, sums)
    tracks = set(
        connection.execute(
            select(Face.track_id)
            .where(Face.run_pk == run.pk, Face.frame_index.in_(chosen))
            .distinct()
        ).scalars()
    )
    left_out = connection.execute(
        select(func.coalesce(func.sum(Frame.left_out), 0)).where(
            Frame.run_pk == run.pk, Frame.frame_index.in_(chosen)
        )
    ).scalar_one()
    faces = connection.execute(
        delete(Face).where(Face.run_pk == run.pk, Face.frame_index.in_(chosen))
    ).rowcount
    frames = connection.execute(
        delete(Frame).where(Frame.run_pk == run.pk, Frame.frame_index.in_(chosen))
    ).rowcount
    _shorten_tracks(connection, run.pk, tracks)
    connection.execute(
        update(RunProgress)
        .where(RunProgress.run_pk == run.pk)
        .values(
            frames_analyzed=RunProgress.frames_analyzed - frames,
            faces=RunProgress.faces - faces,
            left_out=RunProgress.left_out - left_out,
            erased=RunProgress.erased + frames,
        )
    )


def _shorten_tracks(connection: Connection, run_pk: int, tracks: set[int]) -> None:
    """Limit tracks to the faces that are left; delete tracks without a face."""
    for track_id in sorted(tracks):
        this = (Track.run_pk == run_pk, Track.track_id == track_id)
        left = connection.execute(
            select(
                func.min(Frame.frame_index),
                func.max(Frame.frame_index),
                func.min(Frame.media_time_us),
                func.max(Frame.media_time_us),
                func.count(),
            )
            .join(Face, (Face.run_pk == Frame.run_pk) & (Face.frame_index == Frame.frame_index))
            .join(Track, (Track.run_pk == Face.run_pk) & (Track.track_id == Face.track_id))
            .where(*this)
            .where(Face.frame_index.between(Track.first_frame_index, Track.last_frame_index))
        ).one()
        if not left[4]:
            connection.execute(delete(Track).where(*this))
            continue
        names = ("first_frame_index", "last_frame_index", "first_media_time_us")
        values = dict(zip((*names, "last_media_time_us", "faces"), left, strict=True))
        connection.execute(update(Track).where(*this).values(**values))


def _erase_source(engine: Engine, name: str) -> None:
    """Erase the rest of a source without runs; a source that is still read keeps its own row."""
    with transaction(engine) as connection:
        lock_rollups(connection)
        source = connection.execute(
            select(Source.id, Source.kind, Source.removed_at).where(Source.name == name)
        ).one()
        connection.execute(delete(rollups).where(rollups.c.source_pk == source.id))
        connection.execute(delete(SourceInterval).where(SourceInterval.source_pk == source.id))
        is_read = source.kind == RunKind.LIVE and source.removed_at is None
        runs = connection.execute(select(Run.id).where(Run.source_pk == source.id).limit(1))
        if not is_read and runs.first() is None:
            connection.execute(delete(Source).where(Source.id == source.id))
