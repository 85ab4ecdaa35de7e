"""Seen services: the processes that ran in the last days, each as it notes itself."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, select, update

from contracts.errors import DatabaseError
from contracts.times import utc_now
from records.database import transaction
from records.tables.operations import SeenService
from records.upsert import upsert

NOTE_EVERY_S: Final = 15.0
"""Time between two notes of a process that runs."""
_MOST_SEEN: Final = 1000


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A process of a service. id: as in its heartbeats. service: as in `SeenService`."""

    id: str
    service: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class SeenProcess:
    """A process that noted itself. stopped_at: None while it runs, and after it died."""

    process: ServiceProcess
    started_at: datetime
    seen_at: datetime
    stopped_at: datetime | None


class ServiceNotes:
    """The notes of one process: that it runs, and that it was stopped. For one thread.

    clock: in seconds.
    """

    def __init__(
        self, engine: Engine, process: ServiceProcess, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._process = process
        self._clock = clock
        self._started_at = utc_now()
        self._due_s = clock()

    def note_running(self) -> None:
        """Note that the process runs, if it is time to. Raises DatabaseError."""
        if self._clock() < self._due_s:
            return
        one = self._process
        kept = {"started_at": self._started_at, "seen_at": utc_now(), "stopped_at": None}
        row = {"service": one.service, "host": one.host, "pid": one.pid, **kept}
        with transaction(self._engine) as connection:
            connection.execute(
                upsert(connection, SeenService)
                .values(id=one.id, **row)
                .on_conflict_do_update(index_elements=["id"], set_=row)
            )
        self._due_s = self._clock() + NOTE_EVERY_S

    def note_stopped(self) -> None:
        """Note that the process was stopped; without a database it counts as gone."""
        now = utc_now()
        with suppress(DatabaseError), transaction(self._engine) as connection:
            connection.execute(
                update(SeenService)
                .where(SeenService.id == self._process.id)
                .values(seen_at=now, stopped_at=now)
            )


def seen_processes(connection: Connection, since: datetime) -> tuple[SeenProcess, ...]:
    """Return the processes that were seen since then, the newest first."""
    query = (
        select(*SeenService.__table__.c)
        .where(SeenService.seen_at >= since)
        .order_by(SeenService.seen_at.desc(), SeenService.id)
        .limit(_MOST_SEEN)
    )
    return tuple(
        SeenProcess(
            ServiceProcess(row.id, row.service, row.host, row.pid),
            row.started_at,
            row.seen_at,
            row.stopped_at,
        )
        for row in connection.execute(query)
    )


def forget_gone(engine: Engine, ids: Sequence[str]) -> None:
    """Delete these processes: they are not missed any more."""
    with transaction(engine) as connection:
        connection.execute(delete(SeenService).where(SeenService.id.in_(ids)))


def forget_processes(engine: Engine, age: timedelta) -> int:
    """Delete the processes that were not seen for so long; return how many."""
    with transaction(engine) as connection:
        return connection.execute(
            delete(SeenService).where(SeenService.seen_at < utc_now() - age)
        ).rowcount
