"""Live sources: what came of each so far, and how long it was seen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, func, select

from analytics.runs.run_list import POISON, dropped_by_cause
from analytics.snapshots import snapshot
from contracts.live_sources import LiveState
from contracts.runs import RunKind
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source, SourceInterval

_MOST: Final = 1000
_MOST_INTERVALS: Final = 20_000


@dataclass(frozen=True, slots=True)
class LiveLine:
    """One live source, and the frames of its latest run, as they are committed.

    captured = analyzed + sampled_out + the sum of dropped, at every commit.
    """

    name: str
    uri: str
    host: str | None
    fps_limit: float | None
    tags: tuple[str, ...]
    paused: bool
    run_id: str | None
    captured: int
    analyzed: int
    sampled_out: int
    dropped: Mapping[str, int]


def live_lines(engine: Engine, *, limit: int = _MOST) -> tuple[LiveLine, ...]:
    """The live sources that were not removed, by name."""
    latest = (
        select(Run.source_pk, func.max(Run.id).label("run_pk"))
        .where(Run.kind == RunKind.LIVE)
        .group_by(Run.source_pk)
        .subquery()
    )
    query = (
        select(
            *Source.__table__.c,
            Run.run_id,
            RunProgress.frames_captured,
            RunProgress.frames_sampled_out,
            RunProgress.frames_analyzed,
            RunProgress.dropped,
            RunProgress.broker_lost,
            RunProgress.erased,
            POISON,
        )
        .join(latest, latest.c.source_pk == Source.id, isouter=True)
        .join(Run, Run.id == latest.c.run_pk, isouter=True)
        .join(RunProgress, RunProgress.run_pk == Run.id, isouter=True)
        .where(Source.kind == RunKind.LIVE, Source.removed_at.is_(None))
        .order_by(Source.name)
        .limit(limit)
    )
    with snapshot(engine) as connection:
        return tuple(_line(row) for row in connection.execute(query))


def uptime(engine: Engine, source: str, since: datetime, until: datetime) -> dict[LiveState, float]:
    """Seconds that the source was in each state between the two moments; the rest is unknown."""
    query = (
        select(SourceInterval.state, SourceInterval.since, SourceInterval.until)
        .join(Source, Source.id == SourceInterval.source_pk)
        .where(Source.name == source, SourceInterval.until > since, SourceInterval.since < until)
    )
    seconds: dict[LiveState, float] = {}
    with snapshot(engine) as connection:
        for row in connection.execute(query):
            state = LiveState(row.state)
            inside = min(row.until, until) - max(row.since, since)
            seconds[state] = seconds.get(state, 0.0) + max(inside.total_seconds(), 0.0)
    return seconds


@dataclass(frozen=True, slots=True)
class Interval:
    """A source was in that state from `since` to `until`, at least."""

    state: LiveState
    reason: str
    since: datetime
    until: datetime


def latest_intervals(engine: Engine, source: str, *, limit: int) -> tuple[Interval, ...]:
    """What the source did last, the newest first."""
    query = (
        select(
            SourceInterval.state, SourceInterval.reason, SourceInterval.since, SourceInterval.until
        )
        .join(Source, Source.id == SourceInterval.source_pk)
        .where(Source.name == source)
        .order_by(SourceInterval.since.desc(), SourceInterval.id.desc())
        .limit(limit)
    )
    with snapshot(engine) as connection:
        return tuple(
            Interval(LiveState(row.state), row.reason, row.since, row.until)
            for row in connection.execute(query)
        )


def intervals_since(
    engine: Engine, since: datetime, *, limit: int = _MOST_INTERVALS
) -> dict[str, tuple[Interval, ...]]:
    """What the living sources did since then, by name, the newest first; the newest `limit`."""
    query = (
        select(
            Source.name,
            SourceInterval.state,
            SourceInterval.reason,
            SourceInterval.since,
            SourceInterval.until,
        )
        .join(Source, Source.id == SourceInterval.source_pk)
        .where(SourceInterval.until > since, Source.removed_at.is_(None))
        .order_by(SourceInterval.since.desc(), SourceInterval.id.desc())
        .limit(limit)
    )
    found: dict[str, tuple[Interval, ...]] = {}
    with snapshot(engine) as connection:
        for row in connection.execute(query):
            one = Interval(LiveState(row.state), row.reason, row.since, row.until)
            found[row.name] = (*found.get(row.name, ()), one)
    return found


def _line(row: Any) -> LiveLine:
    return LiveLine(
        name=row.name,
        uri=row.shown_uri,
        host=row.host,
        fps_limit=row.sampling_fps,
        tags=tuple(json.loads(row.tags)),
        paused=row.paused,
        run_id=row.run_id,
        captured=row.frames_captured or 0,
        analyzed=row.frames_analyzed or 0,
        sampled_out=row.frames_sampled_out or 0,
        dropped=dropped_by_cause(row),
    )
