"""The answer about one source, for its page and for programs: one call, one snapshot."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, func, select

from analytics.history.source_selection import HistorySource, select_sources
from analytics.history.timeline import Bucket
from analytics.now.live_sources import StateInterval, intervals_since
from analytics.now.live_status import LiveStatus, live_status
from analytics.runs.run_list import RunLine, list_runs
from analytics.sources.days import SourceDay, source_day, source_week
from contracts.alerts.events import EventKind
from contracts.runs import RunKind
from records.alerts.events import EventFilter, KnownEvent, list_events, open_alerts
from records.tables.runs import DeadLetter, Run
from records.tables.sources import Source

if TYPE_CHECKING:
    from broker.heartbeats import Heartbeats

RUNS_SHOWN: Final = 10
ALERTS_SHOWN: Final = 10
STATES_FOR: Final = timedelta(days=7)
_LETTERS_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """All that a page about one source shows.

    live: the state and settings of a camera; None for recordings, and for one that was removed.
    fps_limit: frames to analyse per second; None is the default. states: of the last seven days,
    the newest first. week: a bucket a day, seven of them. runs: the newest RUNS_SHOWN of run_count.
    dead_letters: frames of the last day that could not be analysed. alerts: the open ones about it,
    and those of the last seven days, the newest first and ALERTS_SHOWN at most.
    """

    source: HistorySource
    added_at: datetime
    removed_at: datetime | None
    live: LiveStatus | None
    fps_limit: float | None
    states: tuple[StateInterval, ...]
    day: SourceDay
    week: tuple[Bucket, ...]
    runs: tuple[RunLine, ...]
    run_count: int
    dead_letters: int
    alerts: tuple[KnownEvent, ...]

    @property
    def is_camera(self) -> bool:
        """Whether the source is or was a live one, and not the origin of recordings."""
        return self.source.kind == RunKind.LIVE


def source_answer(
    connection: Connection,
    name: str,
    heartbeats: "Heartbeats | None",
    zone: tzinfo,
    now: datetime,
) -> SourceAnswer:
    """Return the answer about the source that has this name, or had it before a renaming.

    heartbeats: None if they cannot be read. zone: whose days are meant.
    Raises SourceNotFoundError.
    """
    (source,) = select_sources(connection, [name])
    row = connection.execute(
        select(Source.created_at, Source.removed_at, Source.sampling_fps).where(
            Source.id == source.pk
        )
    ).one()
    is_camera = source.kind == RunKind.LIVE
    live = live_status(connection, heartbeats, name=source.name) if is_camera else ()
    states = intervals_since(connection, now - STATES_FOR, name=source.name) if is_camera else {}
    day = source_day(connection, source, zone, now)
    return SourceAnswer(
        source,
        row.created_at,
        row.removed_at,
        live[0] if live else None,
        row.sampling_fps,
        states.get(source.name, ()),
        day,
        source_week(connection, source, zone, day.until),
        list_runs(connection, limit=RUNS_SHOWN, source=source.name),
        connection.execute(
            select(func.count()).select_from(Run).where(Run.source_pk == source.pk)
        ).scalar_one(),
        _dead_letters(connection, source.pk, now),
        _alerts(connection, source.pk, now),
    )


def _alerts(connection: Connection, source_pk: int, now: datetime) -> tuple[KnownEvent, ...]:
    latest = EventFilter(subjects=[source_pk], since=now - STATES_FOR, kinds=[EventKind.FIRED])
    still_open = open_alerts(connection, [source_pk])[:ALERTS_SHOWN]
    known = {one.pk for one in still_open}
    ended = list_events(connection, latest, ALERTS_SHOWN)
    return (*still_open, *(one for one in ended if one.pk not in known))[:ALERTS_SHOWN]


def _dead_letters(connection: Connection, source_pk: int, now: datetime) -> int:
    query = (
        select(func.count())
        .select_from(DeadLetter)
        .join(Run, Run.id == DeadLetter.run_pk)
        .where(Run.source_pk == source_pk, DeadLetter.at > now - _LETTERS_FOR)
    )
    return int(connection.execute(query).scalar_one())
