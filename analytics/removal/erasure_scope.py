"""The scope of an erasure: a source, a run or a time, and the runs that it may affect."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, or_, select, type_coerce
from sqlalchemy.sql.elements import ColumnElement

from analytics.runs.run_list import run_not_found
from contracts.errors import SourceNotFoundError
from contracts.runs import ENDED_STATES
from contracts.times import EPOCH, to_micros
from records.rollups.windows import MINUTE_S, QUARTER_S, window_start
from records.tables.faces import Frame
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import DeadLetter, Run
from records.tables.sources import Source
from runtime.process_identity import claim_is_alive


@dataclass(frozen=True, slots=True)
class ErasureScope:
    """The records to erase: those that match all given conditions.

    since, until: time of capture, UTC-aware; until is exclusive.
    """

    source: str | None = None
    run_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def has_range(self) -> bool:
        """Whether the scope is limited by time."""
        return self.since is not None or self.until is not None

    @property
    def since_us(self) -> int:
        """The begin in microseconds since 1970; without one, the year 1."""
        return to_micros(self.since or EPOCH.replace(year=1))

    @property
    def until_us(self) -> int:
        """The end in microseconds since 1970; without one, the year 9999."""
        return to_micros(self.until or EPOCH.replace(year=9999))


@dataclass(frozen=True, slots=True)
class ScopedRun:
    """A run that may have records in the scope. busy: a live process is working on it."""

    pk: int
    run_id: str
    source_pk: int
    source: str
    kind: str
    ended: bool
    busy: bool


def runs_in_scope(connection: Connection, scope: ErasureScope) -> list[ScopedRun]:
    """Return the runs that may have records in the scope, oldest first.

    Raises SourceNotFoundError or RunNotFoundError if the source or run does not exist.
    """
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
                f"no source {scope.source!r}", hint="List the sources with `moodline status`"
            )
        query = query.where(Source.name == scope.source)
    if scope.run_id is not None:
        query = query.where(Run.run_id == scope.run_id)
        if connection.execute(query).first() is None:
            raise run_not_found(scope.run_id)
    if scope.has_range:
        query = query.where(or_(*_in_range(scope)))
    return [
        ScopedRun(
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


def _in_range(scope: ErasureScope) -> list[ColumnElement[bool]]:
    """Return conditions for runs that may have records in the range.

    Without a source or run, rows are found by time. For one source or run, they are found by the
    run's own keys, because an open range may contain the rows of all sources.
    """
    captured = type_coerce(Frame.captured_at, BigInteger)
    since_us, until_us = scope.since_us, scope.until_us
    frames = select(Frame.run_pk).where(captured >= since_us, captured < until_us)
    minutes = select(RunMinute.run_pk).where(
        RunMinute.start >= window_start(since_us, MINUTE_S), RunMinute.start < until_us
    )
    removed = select(rollups.c.part).where(
        rollups.c.width_s == QUARTER_S,
        rollups.c.start >= window_start(since_us, QUARTER_S),
        rollups.c.start < until_us,
    )
    has_dead_letters = Run.id.in_(select(DeadLetter.run_pk))
    if scope.source is None and scope.run_id is None:
        removed = removed.where(rollups.c.source_pk.in_(select(Source.id)))
        return [*(Run.id.in_(query) for query in (frames, minutes, removed)), has_dead_letters]
    accounted = select(RunMinute.run_pk).where(RunMinute.run_pk == Run.id)
    # `+ 0` keeps the database from using the time index, which has all sources' frames.
    of_run = select(Frame.run_pk).where(
        Frame.run_pk == Run.id, captured + 0 >= since_us, captured + 0 < until_us
    )
    return [
        minutes.where(RunMinute.run_pk == Run.id).exists(),
        # Only runs from before run_minutes existed have frames without an account.
        ~accounted.exists() & of_run.exists(),
        removed.where(rollups.c.source_pk == Run.source_pk, rollups.c.part == Run.id).exists(),
        has_dead_letters,
    ]


def dead_letters_in_scope(connection: Connection, scope: ErasureScope, run: ScopedRun) -> list[int]:
    """Return the seq of each dead letter of the run that may have been captured in the range.

    A dead letter has no time of capture: it lies between those of the frames around it, and before
    the letter was set aside.
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
