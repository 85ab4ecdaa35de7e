"""The state of the whole system: broker, database, workers, services, runs and sources."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from analytics.now.live_status import LiveStatus, live_status
from analytics.now.overview import OpenRun, RecordingSource, open_runs, recording_sources
from analytics.snapshots import snapshot
from analytics.storage import database_bytes
from contracts.errors import BrokerError, DatabaseError
from contracts.redaction import redact
from contracts.settings import Settings
from moodline.stack.running_stack import running_broker
from records.broker_key import read_broker_key
from records.database import reading
from records.schema import known_revisions, schema_revision

if TYPE_CHECKING:  # redis is not imported if no broker runs.
    from broker.broker_info import BrokerInfo
    from broker.reports import ServiceReport, SourceReport, WorkerReport


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """The broker. url: redacted, "" if none runs. text: the error, or why there is none."""

    ok: bool
    url: str
    embedded: bool
    text: str
    facts: "BrokerInfo | None" = None


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """The database. url: redacted. schema, bytes: None if unknown. text: the error, or ""."""

    ok: bool
    url: str
    schema: str | None
    bytes: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """The living processes, according to the broker. waiting: frames in the broker by run id."""

    workers: "Sequence[WorkerReport]" = ()
    services: "Sequence[ServiceReport]" = ()
    sources: "Sequence[SourceReport]" = ()
    waiting: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """The state of the system. runs: those that have not ended."""

    broker: BrokerStatus
    database: DatabaseStatus
    heartbeats: Heartbeats
    live: Sequence[LiveStatus] = ()
    recordings: Sequence[RecordingSource] = ()
    runs: Sequence[OpenRun] = ()

    def lag(self, run: OpenRun) -> int:
        """Return the number of the run's frames that wait in the broker."""
        return self.heartbeats.waiting.get(run.run_id, 0)

    def as_json(self) -> dict[str, Any]:
        """Return the documented fields of `moodline status --json`; times are datetimes."""
        broker = asdict(self.broker)
        return {
            "sources": [*map(asdict, self.live), *map(asdict, self.recordings)],
            "runs": [asdict(run) | {"lag": self.lag(run)} for run in self.runs],
            "workers": [asdict(one) for one in self.heartbeats.workers],
            "services": [asdict(one) for one in self.heartbeats.services],
            "broker": broker | (broker.pop("facts") or {}),
            "database": asdict(self.database),
        }


def read_status(settings: Settings, engine: Engine) -> SystemStatus:
    """Return the state now. A server that cannot be reached has its error in its own part."""
    database = _read_database(engine)
    if not database.ok:
        return SystemStatus(_read_broker(settings, None, ())[0], database, Heartbeats())
    with snapshot(engine) as connection:
        runs, recordings = open_runs(connection), recording_sources(connection)
    key, run_ids = read_broker_key(engine), [run.run_id for run in runs]
    broker, heartbeats = _read_broker(settings, key, run_ids)
    with snapshot(engine) as connection:
        live = live_status(connection, heartbeats.sources if broker.ok else None)
    return SystemStatus(broker, database, heartbeats, live, recordings, runs)


def _read_broker(
    settings: Settings, key: bytes | None, run_ids: Sequence[str]
) -> tuple[BrokerStatus, Heartbeats]:
    """Return the broker's state, and what it holds of living processes and of these runs.

    key: None if the database cannot be read; then no heartbeat can be checked.
    """
    url = running_broker(settings)
    if not url:
        reason = "not running; `moodline up` starts one"
        return BrokerStatus(True, "", True, reason), Heartbeats()
    from broker.broker_info import BrokerInfo
    from broker.bus import Bus
    from broker.presence import Presence
    from broker.reports import ServiceReport, SourceReport, WorkerReport

    shown_url, embedded = redact(url), not settings.redis_url
    try:
        bus = Bus.connect(url, key)
        try:
            facts = BrokerInfo.fetch(bus)
            heartbeats = Heartbeats()
            if key is not None:
                heartbeats = Heartbeats(
                    workers=Presence(bus, WorkerReport).alive(),
                    services=Presence(bus, ServiceReport).alive(),
                    sources=Presence(bus, SourceReport).alive(),
                    waiting=bus.waiting_frames(run_ids),
                )
        finally:
            bus.close()
    except BrokerError as exc:
        return BrokerStatus(False, shown_url, embedded, exc.line()), Heartbeats()
    return BrokerStatus(True, shown_url, embedded, "", facts), heartbeats


def _read_database(engine: Engine) -> DatabaseStatus:
    url = redact(str(engine.url))
    try:
        revision = schema_revision(engine)
        with reading(engine) as connection:
            size = database_bytes(connection)
    except DatabaseError as exc:
        return DatabaseStatus(False, url, None, None, exc.line())
    if revision is None:
        return DatabaseStatus(False, url, None, size, "no records yet")
    if revision not in known_revisions():
        reason = "the schema belongs to a newer version of moodline"
        return DatabaseStatus(False, url, revision, size, reason)
    return DatabaseStatus(True, url, revision, size, "")
