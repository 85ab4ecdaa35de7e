"""Erasing what was recorded of people: by source, run or time, everywhere, with a receipt.

Rows go to the microsecond. Of what retention left as sums, whole minutes go; where only quarters
of an hour are left, whole ones of these. When a camera worked is no record of anybody, and goes
with a whole source only.
"""

import random
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select, update

from analytics.history.rollups import fold_all
from analytics.history.row_sums import Rows
from analytics.removal.deletion import delete_run
from analytics.removal.erasure_scope import Scope, ScopedRun, letters_of, runs_in
from analytics.removal.minute_batches import frames_of, minute_slices
from analytics.removal.removed_sums import erase_settled, settled_frames
from analytics.runs.step_sums import sums_of
from analytics.snapshots import snapshot
from contracts.errors import RunBusyError, SettingsError
from contracts.runs import RunKind
from contracts.times import utc_now
from records.audit import write_audit
from records.database import transaction
from records.locks import lock_rollups
from records.rollup_sums import mark_dirty
from records.runs.run_steps import take_steps
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.sources import Source, SourceInterval
from records.windows import window_start

_MINUTE_US: Final = 60_000_000
_NOT_TOLD: Final = ("run_ids", "at", "dry_run", "number")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased, or would be. rollups: sums that retention had left. number: in the audit.

    run_ids: the runs that lost something, or all; dead_letters: frames of theirs that were set
    aside, as far as they may have been captured in the range.
    """

    sources: tuple[str, ...]
    runs: int
    frames: int
    faces: int
    tracks: int
    rollups: int
    dead_letters: int
    run_ids: tuple[str, ...]
    at: datetime
    dry_run: bool
    number: int | None = None


def erase(engine: Engine, scope: Scope, *, actor: str, dry_run: bool = False) -> Receipt:
    """Erase, fold what is left, and write the receipt. A killed one can be repeated.

    Raises SettingsError for a scope of everything, SourceNotFoundError, RunNotFoundError, and
    RunBusyError while a recording in the scope is being analysed.
    """
    if scope == Scope():
        raise SettingsError("that would be everything", hint="Name a source, a run or a time")
    if scope.has_range and scope.since_us >= scope.until_us:
        raise SettingsError("the range is empty", hint="--from comes before --to")
    with snapshot(engine) as connection:
        runs = runs_in(connection, scope)
        receipt = _count(connection, scope, runs, dry_run=dry_run)
    busy = next((run for run in runs if run.busy and run.kind != RunKind.LIVE), None)
    if busy is not None:
        raise RunBusyError(f"run {busy.run_id} is being worked on", hint="Cancel it first")
    if dry_run:
        return receipt
    for run in runs:
        if run.ended and not scope.has_range:
            delete_run(engine, run.run_id)
        else:
            _erase_within(engine, scope, run)
    if scope.source is not None and scope.run_id is None and not scope.has_range:
        _erase_source(engine, scope.source)
    fold_all(engine)
    return _write_receipt(engine, scope, receipt, actor)


def _count(
    connection: Connection, scope: Scope, runs: list[ScopedRun], *, dry_run: bool
) -> Receipt:
    frames = faces = tracks = kept = letters = 0
    touched = dict[ScopedRun, None]()
    for run in runs:
        rows = Rows(scope.since_us, scope.until_us, run.pk)
        here = frames_of(rows).subquery()
        in_frames = Face.frame_index.in_(select(here.c.frame_index))
        found = connection.execute(
            select(
                select(func.count()).select_from(here).scalar_subquery(),
                select(func.count())
                .select_from(Face)
                .where(Face.run_pk == run.pk, in_frames)
                .scalar_subquery(),
                select(func.count(Face.track_id.distinct()))
                .where(Face.run_pk == run.pk, in_frames)
                .scalar_subquery(),
            )
        ).one()
        settled = settled_frames(connection, run.pk, run.source_pk, scope.since_us, scope.until_us)
        aside = len(letters_of(connection, scope, run))
        frames, faces, tracks = frames + found[0], faces + found[1], tracks + found[2]
        kept, letters = kept + settled, letters + aside
        if found[0] or settled or aside or not scope.has_range:
            touched[run] = None
    return Receipt(
        sources=tuple(sorted({run.source for run in touched})),
        runs=len(touched),
        frames=frames,
        faces=faces,
        tracks=tracks,
        rollups=kept,
        dead_letters=letters,
        run_ids=tuple(run.run_id for run in touched),
        at=utc_now(),
        dry_run=dry_run,
    )


def _erase_within(engine: Engine, scope: Scope, run: ScopedRun) -> None:
    """The run's rows in the range, some minutes at a time; the run itself when none are left."""
    since_us, until_us = scope.since_us, scope.until_us
    before = window_start(until_us, 60)
    # First: when the frames around them are gone, nothing tells when they were captured.
    _erase_letters(engine, scope, run)
    for rows in minute_slices(engine, run.pk, since_us, until_us):
        clipped = replace(
            rows, since_us=max(rows.since_us, since_us), until_us=min(rows.until_us, until_us)
        )
        with transaction(engine) as connection:
            # The order in which a worker's commit takes them, or the two wait for each other.
            # The accounting of whole minutes; of a part of one, it tells of the rest, too.
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
        erase_settled(connection, run.pk, run.source_pk, since_us, until_us)
        left = connection.execute(
            select(Frame.run_pk).where(Frame.run_pk == run.pk).limit(1)
        ).first()
        sums = connection.execute(
            select(rollups.c.part)
            .where(rollups.c.source_pk == run.source_pk, rollups.c.part == run.pk)
            .limit(1)
        ).first()
        aside = connection.execute(
            select(DeadLetter.seq).where(DeadLetter.run_pk == run.pk).limit(1)
        ).first()
    if run.ended and left is sums is aside is None:
        delete_run(engine, run.run_id)


def _erase_letters(engine: Engine, scope: Scope, run: ScopedRun) -> None:
    with transaction(engine) as connection:
        seqs = letters_of(connection, scope, run)
        connection.execute(
            delete(DeadLetter).where(DeadLetter.run_pk == run.pk, DeadLetter.seq.in_(seqs))
        )
        connection.execute(
            update(RunProgress)
            .where(RunProgress.run_pk == run.pk)
            .values(erased=RunProgress.erased + len(seqs))
        )


def _erase_rows(connection: Connection, run: ScopedRun, rows: Rows) -> None:
    first, last = window_start(rows.since_us, 60), window_start(rows.until_us - 1, 60)
    minutes = range(first, last + _MINUTE_US, _MINUTE_US)
    mark_dirty(connection, run.source_pk, minutes, random.getrandbits(62))
    # Held from here on, so that no frame comes in between what is added up and what is removed.
    of_run = select(RunProgress.stepped).where(RunProgress.run_pk == run.pk)
    stepped = connection.execute(of_run.with_for_update()).scalar()
    chosen = frames_of(rows)
    if stepped:
        sums = sums_of(connection, run.pk, chosen, faces_alone=False)
        take_steps(connection, run.pk, sums)
    tracks = set(
        connection.execute(
            select(Face.track_id)
            .where(Face.run_pk == run.pk, Face.frame_index.in_(chosen))
            .distinct()
        ).scalars()
    )
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
            erased=RunProgress.erased + frames,
        )
    )


def _shorten_tracks(connection: Connection, run_pk: int, tracks: set[int]) -> None:
    """Tracks end where their faces do now; without a face they go."""
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
    """What is left of a source without runs; its own row stays while it is still read."""
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


def _write_receipt(engine: Engine, scope: Scope, receipt: Receipt, actor: str) -> Receipt:
    details = {
        "scope": {name: str(value) for name, value in asdict(scope).items() if value},
        **{name: value for name, value in asdict(receipt).items() if name not in _NOT_TOLD},
    }
    with transaction(engine) as connection:
        number = write_audit(connection, actor, "erase", details)
    return replace(receipt, number=number)
