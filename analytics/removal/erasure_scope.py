"""What an erasure is of: a source, a run, a time; and the runs that have something in it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, or_, select, type_coerce
from sqlalchemy.sql.elements import ColumnElement

from analytics.runs.run_list import run_not_found
from contracts.errors import SourceNotFoundError
from contracts.runs import ENDED_STATES
from contracts.times import EPOCH, to_micros
from records.tables.faces import Frame
from records.tables.rollups import RunMinute, rollups
from records.tables.runs import DeadLetter, Run
from records.tables.sources import Source
from records.windows import MINUTE_S, QUARTER_S, window_start
from runtime.process_identity import claim_is_alive


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
class ScopedRun:
    """A run that something may be erased of. busy: a recording that is being analysed."""

    pk: int
    run_id: str
    source_pk: int
    source: str
    kind: str
    ended: bool
    busy: bool


def runs_in(connection: Connection, scope: Scope) -> list[ScopedRun]:
    """The runs that may have something in the scope, by age.

    Raises SourceNotFoundError and RunNotFoundError for one that does not exist.
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


def letters_of(connection: Connection, scope: Scope, run: ScopedRun) -> list[int]:
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
