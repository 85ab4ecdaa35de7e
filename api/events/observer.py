"""The observer: reads live sources, runs and alerts, for all clients at once."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Engine

from analytics.alerts.documents import event_document
from analytics.runs.run_list import find_runs, list_open_runs
from analytics.snapshots import in_snapshot
from api.events.event import Event, EventType, Observation, RunProgress
from contracts.errors import MoodlineError
from records.alerts.events import EventFilter, last_written, list_events
from serving.live_reader import LiveReader

_RECORDS_EVERY_S: Final = 1.0
_MAX_RUNS: Final = 1000
_MAX_ALERTS: Final = 100


@dataclass(slots=True)
class Observer:
    """Reads observations. The records are read once a second, the broker each time."""

    reader: LiveReader
    _read_at_s: float = -_RECORDS_EVERY_S
    _runs: dict[str, RunProgress] = field(default_factory=dict)
    _last_alert: int | None = None

    @property
    def engine(self) -> Engine:
        """The records that it reads."""
        return self.reader.backend.engine

    def read(self) -> Observation:
        """Return what there is now. Blocks. A part that cannot be read stays as it was."""
        tiles = self.reader.read().tiles
        alerts: tuple[Event, ...] = ()
        if time.monotonic() - self._read_at_s >= _RECORDS_EVERY_S:
            self._read_at_s = time.monotonic()
            with suppress(MoodlineError):  # The next may succeed; /status says what is wrong.
                alerts = in_snapshot(self.engine, self._read_records)
        return Observation(tiles, dict(self._runs), alerts)

    def close(self) -> None:
        """Close the connection to the broker."""
        self.reader.close()

    def _read_records(self, connection: Connection) -> tuple[Event, ...]:
        lines = {one.run_id: one for one in list_open_runs(connection, limit=_MAX_RUNS)}
        ended = [run_id for run_id in self._runs if run_id not in lines]
        # Runs that ended meanwhile are told once more. A deleted one is not there any more.
        for run_id in ended:
            try:
                (lines[run_id],) = find_runs(connection, [run_id])
            except MoodlineError:
                continue
        gone = {run_id for run_id in ended if self._runs[run_id].state not in _OPEN}
        self._runs = {
            run_id: RunProgress(
                run_id, one.source, str(one.state), one.frames_analyzed, one.frames_total
            )
            for run_id, one in lines.items()
            if run_id not in gone
        }
        return self._new_alerts(connection)

    def _new_alerts(self, connection: Connection) -> tuple[Event, ...]:
        last, self._last_alert = self._last_alert, last_written(connection)
        if last is None or self._last_alert == last:
            return ()
        newest = list_events(connection, EventFilter(after_pk=last), _MAX_ALERTS)
        return tuple(
            Event(EventType.ALERT, one.source, event_document(one)) for one in reversed(newest)
        )


_OPEN: Final = ("queued", "running")
