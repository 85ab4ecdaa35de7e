"""Live sources: the frame counts of each, and the intervals that it spent in each state."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, select

from analytics.runs.frame_counts import POISON, dropped_by_cause
from contracts.live_sources import LiveState
from contracts.runs import RunKind
from contracts.zones.zone import Zones
from records.json_columns import decode_tags, decode_zones
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source, SourceInterval

_MAX_SOURCES: Final = 1000
_MAX_INTERVALS: Final = 20_000


@dataclass(frozen=True, slots=True)
class LiveSourceCounts:
    """One live source and the committed frame counts of its latest run.

    After every commit, captured = analyzed + sampled_out + the sum of dropped. last_commit_at: the
    run's last commit, before the first one its start; None without a run.
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
    zones: Zones = ()
    min_face_px: int | None = None
    rotate: int = 0
    mirror: bool = False
    keep_static: bool | None = None
    last_commit_at: datetime | None = None
    added_at: datetime | None = None


def live_source_counts(
    connection: Connection, *, limit: int = _MAX_SOURCES, name: str | None = None
) -> tuple[LiveSourceCounts, ...]:
    """Return the live sources that were not removed, by name; with `name`, that one alone."""
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
            func.coalesce(RunProgress.updated_at, Run.started_at).label("last_commit_at"),
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
    if name is not None:
        query = query.where(Source.name == name)
    return tuple(_counts(row) for row in connection.execute(query))


def time_in_states(
    connection: Connection, source: str, since: datetime, until: datetime
) -> Mapping[LiveState, float]:
    """Return the seconds in each state from `since` to `until`; the remaining time is unknown."""
    query = (
        select(SourceInterval.state, SourceInterval.since, SourceInterval.until)
        .join(Source, Source.id == SourceInterval.source_pk)
        .where(Source.name == source, SourceInterval.until > since, SourceInterval.since < until)
    )
    seconds: dict[LiveState, float] = {}
    for row in connection.execute(query):
        state = LiveState(row.state)
        inside = min(row.until, until) - max(row.since, since)
        seconds[state] = seconds.get(state, 0.0) + max(inside.total_seconds(), 0.0)
    return seconds


@dataclass(frozen=True, slots=True)
class StateInterval:
    """A time during which a source was in one state: at least from `since` to `until`."""

    state: LiveState
    reason: str
    since: datetime
    until: datetime


def latest_intervals(
    connection: Connection, source: str, *, limit: int
) -> tuple[StateInterval, ...]:
    """Return the source's latest intervals, newest first."""
    query = (
        select(
            SourceInterval.state, SourceInterval.reason, SourceInterval.since, SourceInterval.until
        )
        .join(Source, Source.id == SourceInterval.source_pk)
        .where(Source.name == source)
        .order_by(SourceInterval.since.desc(), SourceInterval.id.desc())
        .limit(limit)
    )
    return tuple(
        StateInterval(LiveState(row.state), row.reason, row.since, row.until)
        for row in connection.execute(query)
    )


def intervals_since(
    connection: Connection,
    since: datetime,
    *,
    limit: int = _MAX_INTERVALS,
    name: str | None = None,
) -> Mapping[str, tuple[StateInterval, ...]]:
    """Return the intervals of sources that were not removed, by name, newest first.

    Only the newest `limit` intervals are read. name: of one source, also if it was removed.
    """
    query = (
        select(
            Source.name,
            SourceInterval.state,
            SourceInterval.reason,
            SourceInterval.since,
            SourceInterval.until,
        )
        .join(Source, Source.id == SourceInterval.source_pk)
        .where(SourceInterval.until > since)
        .where(Source.removed_at.is_(None) if name is None else Source.name == name)
        .order_by(SourceInterval.since.desc(), SourceInterval.id.desc())
        .limit(limit)
    )
    found: dict[str, tuple[StateInterval, ...]] = {}
    for row in connection.execute(query):
        one = StateInterval(LiveState(row.state), row.reason, row.since, row.until)
        found[row.name] = (*found.get(row.name, ()), one)
    return found


def _counts(row: Any) -> LiveSourceCounts:
    return LiveSourceCounts(
        name=row.name,
        uri=row.shown_uri,
        host=row.host,
        fps_limit=row.sampling_fps,
        tags=decode_tags(row.tags),
        paused=row.paused,
        run_id=row.run_id,
        captured=row.frames_captured or 0,
        analyzed=row.frames_analyzed or 0,
        sampled_out=row.frames_sampled_out or 0,
        dropped=dropped_by_cause(row),
        zones=decode_zones(row.zones),
        min_face_px=row.min_face_px,
        rotate=row.rotate,
        mirror=row.mirror,
        keep_static=row.keep_static,
        last_commit_at=row.last_commit_at,
        added_at=row.created_at,
    )
