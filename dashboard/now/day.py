"""The last day on the page Now: the expressions of all sources in steps."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from analytics.history.extent import fitted_range
from analytics.history.local_time import finest_step
from analytics.history.source_selection import history_sources
from analytics.history.timeline import ALL, Bucket, timeline
from analytics.snapshots import in_snapshot
from analytics.sources.days import STEPS_OF_DAY
from contracts.times import utc_now
from dashboard.web.time_steps import TimeStep, time_steps
from records.rollups.windows import DAY_S, QUARTER_S
from serving.backend import Backend

_SPAN: Final = timedelta(days=1)
_FRESH_S: Final = 30.0
_UTC: Final = ZoneInfo("UTC")
_LEAST_S: Final = 60.0
"""Person-seconds of a quarter of an hour that is worth naming."""


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last 24 hours, or the time since the history began, in equal steps.

    coverage: None if nothing was expected. happiest: begin of the step with the largest share of
    happy; None if nobody was seen. generated: how many of the sources are.
    """

    since: datetime
    steps: tuple[TimeStep, ...]
    person_s: dict[str, float]
    coverage: float | None
    happiest: datetime | None
    happiest_share: float
    sources: int
    generated: int


class DayReader:
    """Reads the last day once for all viewers, at most every half minute. Threads may share it."""

    def __init__(self, backend: Backend, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = backend.engine
        self._clock = clock
        self._lock = Lock()
        self._known: tuple[float, LastDay] | None = None

    def read(self) -> LastDay:
        """Return the last day. Raises DatabaseError."""
        with self._lock:
            if self._known is None or self._clock() - self._known[0] > _FRESH_S:
                self._known = self._clock(), in_snapshot(self._engine, last_day, utc_now())
            return self._known[1]


def last_day(connection: Connection, now: datetime) -> LastDay:
    """Return the 24 hours before `now`, or the time since the history began."""
    known = history_sources(connection)
    since = _since([one.pk for one in known], connection, now)
    step_s = finest_step(since, now, STEPS_OF_DAY)
    found = timeline(connection, since, now, _UTC, step_s=step_s, together=True)
    buckets = found.series.get(ALL, ())  # None without a source.
    names = {one.name for one in known if one.generated}
    apart = timeline(connection, since, now, _UTC, step_s=DAY_S).series
    seen = [name for name, parts in apart.items() if any(one.measures.frames for one in parts)]
    expected_s = sum(one.expected_s for one in buckets)
    analyzed_s = sum(one.measures.analyzed_s for one in buckets)
    happiest = _happiest(buckets, _LEAST_S * step_s / QUARTER_S)
    return LastDay(
        since=since,
        steps=time_steps(buckets),
        person_s=_sums(buckets),
        coverage=min(analyzed_s / expected_s, 1.0) if expected_s else None,
        happiest=None if happiest is None else happiest.begin,
        happiest_share=0.0 if happiest is None else _happy_share(happiest),
        sources=len(seen),
        generated=len(names.intersection(seen)),
    )


def _since(pks: Sequence[int], connection: Connection, now: datetime) -> datetime:
    begin, end = fitted_range(connection, pks, now - _SPAN, now)
    return begin if end == now else now - _SPAN  # All of the history is older.


def _sums(buckets: Sequence[Bucket]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for one in buckets:
        for label, seconds in one.measures.person_s.items():
            sums[label] = sums.get(label, 0.0) + seconds
    return sums


def _happiest(buckets: Sequence[Bucket], least_s: float) -> Bucket | None:
    busy = [one for one in buckets if one.measures.total_s >= least_s]
    return max(busy, key=_happy_share, default=None)


def _happy_share(bucket: Bucket) -> float:
    shares = bucket.measures.shares
    return 0.0 if shares is None else shares["happy"]
