"""Erasing what was recorded of people: by source, run or time, everywhere, with a receipt.

Rows go to the microsecond. Of what retention left as sums, whole minutes go; where only quarters
of an hour are left, whole ones of these. When a camera worked is no record of anybody, and goes
with a whole source only.
"""

import json
import random
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    delete,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from analytics.deletion import delete_run
from analytics.queries import run_not_found
from analytics.raw_sums import Rows
from analytics.rollups import fold_all
from analytics.run_steps import sums_of
from analytics.settled_sums import erase_settled, settled_frames
from analytics.slices import frames_of, minute_slices
from analytics.snapshots import snapshot
from contracts.audit import write_audit
from contracts.database import transaction
from contracts.errors import RunBusyError, SettingsError, SourceNotFoundError
from contracts.history import (
    MINUTE_S,
    QUARTER_S,
    AuditEntry,
    RunMinute,
    lock_rollups,
    mark_dirty,
    rollups,
    window_start,
)
from contracts.jobs import claim_is_alive
from contracts.records import (
    ENDED_STATES,
    EPOCH,
    DeadLetter,
    Face,
    Frame,
    Run,
    RunProgress,
    Source,
    SourceInterval,
    Track,
    to_micros,
    utc_now,
)
from contracts.run_steps import take_steps
from contracts.sources import LIVE

_FOREVER: Final = datetime.max
_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be erased; what is given must all hold. Times are of capture, UTC-aware."""

    source: str | None = None
    run_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def has_range(self) -> bool:
        return self.since is not None or self.until is not None

    @property
    def since_us(self) -> int:
        return to_micros(self.since or EPOCH.replace(year=1))

    @property
    def until_us(self) -> int:
        return to_micros(self.until or EPOCH.replace(year=9999))


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


@dataclass(frozen=True, slots=True)
class _Run:
    pk: int
    run_id: str
    source_pk: int
    source: str
    kind: str
    ended: bool
    busy: bool


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
        runs = _runs(connection, scope)
        receipt = _count(connection, scope, runs, dry_run=dry_run)
    busy = next((run for run in runs if run.busy and run.kind != LIVE), None)
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


def audit_entries(engine: Engine, *, limit: int = 100) -> list[dict[str, Any]]:
    """The audit, the newest first: id, at, actor, action, details."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    with snapshot(engine) as connection:
        return [
            {
                "id": row.id,
                "at": row.at,
                "actor": row.actor,
                "action": row.action,
                "details": json.loads(row.details),
            }
            for row in connection.execute(query)
        ]


def _runs(connection: Connection, scope: Scope) -> list[_Run]:
    query = select(
        Run.id,
        Run.run_id,
        Run.source_pk,
        Source.name,
        Run.kind,
        Run.state,
        Run.claimed_by,
        Run.claim_expires_at,
    ).join(Source, Source.id == Run.source_pk)
    if scope.source is not None:
        known = connection.execute(select(Source.id).where(Source.name == scope.source)).first()
        if known is None:
            raise SourceNotFoundError(
                f"no source {scope.source!r}", hint="`moodline status` shows them"
            )
        query = query.where(Source.name == scope.source)
    if scope.run_id is not None:
        query = query.where(Run.run_id == scope.run_id)
        if connection.execute(query).first() is None:
            raise run_not_found(scope.run_id)
    if scope.has_range:
        query = query.where(or_(*_touched(scope)))
    return [
        _Run(
            row.id,
            row.run_id,
            row.source_pk,
            row.name,
            row.kind,
            ended := row.state in ENDED_STATES,
            not ended and claim_is_alive(row.claimed_by, row.claim_expires_at),
        )
        for row in connection.execute(query.order_by(Run.id))
    ]


def _touched(scope: Scope) -> list[ColumnElement[bool]]:
    """The runs that may have something in the range: found by time, however many others are.

    Of one source, or one run, by the runs' own keys: an open range may be all time of all sources.
    """
    captured = type_coerce(Frame.captured_at, BigInteger)
    since_us, until_us = scope.since_us, scope.until_us
    frames = select(Frame.run_pk).where(captured >= since_us, captured < until_us)
    minutes = select(RunMinute.run_pk).where(
        RunMinute.start >= window_start(since_us, MINUTE_S), RunMinute.start < until_us
    )
    settled = select(rollups.c.part).where(
        rollups.c.width_s == QUARTER_S,
        rollups.c.start >= window_start(since_us, QUARTER_S),
        rollups.c.start < until_us,
    )
    aside = Run.id.in_(select(DeadLetter.run_pk))
    if scope.source is None and scope.run_id is None:
        settled = settled.where(rollups.c.source_pk.in_(select(Source.id)))
        return [*(Run.id.in_(query) for query in (frames, minutes, settled)), aside]
    accounted = select(RunMinute.run_pk).where(RunMinute.run_pk == Run.id)
    # The sum keeps databases from the time index, which has the frames of all sources.
    of_run = select(Frame.run_pk).where(
        Frame.run_pk == Run.id, captured + 0 >= since_us, captured + 0 < until_us
    )
    return [
        minutes.where(RunMinute.run_pk == Run.id).exists(),
        # Only runs of before there was an account of minutes have frames without one.
        ~accounted.exists() & of_run.exists(),
        settled.where(rollups.c.source_pk == Run.source_pk, rollups.c.part == Run.id).exists(),
        aside,
    ]


def _letters(connection: Connection, scope: Scope, run: _Run) -> list[int]:
    """The run's dead letters, by seq, that may have been captured in the range.

    They have no time of their own: it is between those of the frames around them, and before
    they were set aside.
    """
    captured = type_coerce(Frame.captured_at, BigInteger)
    found = []
    for letter in connection.execute(
        select(DeadLetter.seq, DeadLetter.frame_index, DeadLetter.at).where(
            DeadLetter.run_pk == run.pk
        )
    ).all():
        before = after = None
        if letter.frame_index is not None:
            of_run = select(captured).where(Frame.run_pk == run.pk).limit(1)
            before, after = (
                connection.execute(query).scalar()
                for query in (
                    of_run.where(Frame.frame_index < letter.frame_index).order_by(
                        Frame.frame_index.desc()
                    ),
                    of_run.where(Frame.frame_index > letter.frame_index).order_by(
                        Frame.frame_index
                    ),
                )
            )
        latest = to_micros(letter.at) if after is None else after
        if latest >= scope.since_us and (before is None or before < scope.until_us):
            found.append(letter.seq)
    return found


def _count(connection: Connection, scope: Scope, runs: list[_Run], *, dry_run: bool) -> Receipt:
    frames = faces = tracks = kept = letters = 0
    touched = dict[_Run, None]()
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
        aside = len(_letters(connection, scope, run))
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


def _erase_within(engine: Engine, scope: Scope, run: _Run) -> None:
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


def _erase_letters(engine: Engine, scope: Scope, run: _Run) -> None:
    with transaction(engine) as connection:
        seqs = _letters(connection, scope, run)
        connection.execute(
            delete(DeadLetter).where(DeadLetter.run_pk == run.pk, DeadLetter.seq.in_(seqs))
        )
        connection.execute(
            update(RunProgress)
            .where(RunProgress.run_pk == run.pk)
            .values(erased=RunProgress.erased + len(seqs))
        )


def _erase_rows(connection: Connection, run: _Run, rows: Rows) -> None:
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
        is_read = source.kind == LIVE and source.removed_at is None
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


_NOT_TOLD: Final = ("run_ids", "at", "dry_run", "number")
