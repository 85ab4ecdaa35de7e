"""The state of the whole system: broker, database, workers, services, runs and sources."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine

from analytics.health.facts import Facts, Servers, Stored
from analytics.health.gone_services import gone_services
from analytics.health.judgement import judge
from analytics.health.reading import read_disks, read_stored
from analytics.health.verdict import Verdict
from analytics.now.live_status import LiveStatus
from analytics.now.overview import OpenRun, RecordingSource, open_runs, recording_sources
from analytics.snapshots import in_snapshot
from analytics.storage import database_bytes
from broker.heartbeats import Heartbeats
from contracts.errors import BrokerError, DatabaseError
from contracts.redaction import redact
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.stack.running_stack import belongs_to_up, running_broker
from records.broker_key import read_broker_key
from records.database import reading
from records.schema import known_revisions, schema_revision
from records.seen_services import SeenProcess

if TYPE_CHECKING:  # redis is not imported if no broker runs.
    from broker.broker_info import BrokerInfo


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

    @property
    def is_empty(self) -> bool:
        """Whether it can be used and has no records yet."""
        return not self.ok and self.schema is None and self.bytes is not None


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """The state of the system, and the verdict on it.

    runs: those that have not ended. gone: services that died.
    """

    broker: BrokerStatus
    database: DatabaseStatus
    heartbeats: Heartbeats
    health: Verdict
    live: Sequence[LiveStatus] = ()
    recordings: Sequence[RecordingSource] = ()
    runs: Sequence[OpenRun] = ()
    gone: Sequence[SeenProcess] = ()

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
            "gone": [asdict(one.process) | _times(one) for one in self.gone],
            "health": self.health.as_json(),
        }


_NO_BROKER: Final = BrokerStatus(True, "", True, "not running; `moodline up` starts one")


def read_status(settings: Settings, engine: Engine) -> SystemStatus:
    """Return the state now. A server that cannot be reached has its error in its own part."""
    found = _read(settings, engine, lag=True)
    recordings: Sequence[RecordingSource] = ()
    if found.facts.stored is not None:
        recordings = in_snapshot(engine, recording_sources)
    stored = found.facts.stored or Stored()
    heartbeats = found.facts.heartbeats
    return SystemStatus(
        found.broker,
        found.database,
        heartbeats or Heartbeats(),
        judge(found.facts),
        stored.live,
        recordings,
        stored.runs,
        gone_services(stored.seen, heartbeats, found.facts.now) if found.broker.ok else (),
    )


def read_verdict(settings: Settings, engine: Engine) -> Verdict:
    """Return the verdict now. Raises nothing: servers that are away are part of it."""
    return judge(_read(settings, engine).facts)


def read_facts(settings: Settings, engine: Engine) -> Facts:
    """Return all that the verdict depends on, as it is now. Raises nothing."""
    return _read(settings, engine).facts


def _times(one: SeenProcess) -> dict[str, Any]:
    return {"started_at": one.started_at, "seen_at": one.seen_at}


@dataclass(frozen=True, slots=True)
class _Found:
    """Both servers, and the facts."""

    broker: BrokerStatus
    database: DatabaseStatus
    facts: Facts


def _read(settings: Settings, engine: Engine, *, lag: bool = False) -> _Found:
    """Read all facts. lag: also count the waiting frames of each run."""
    now, stored, broker, heartbeats = utc_now(), None, _NO_BROKER, None
    database = _read_database(engine)
    try:
        key = read_broker_key(engine) if database.ok else None
        runs = in_snapshot(engine, open_runs) if database.ok and lag else ()
        broker, heartbeats = _read_broker(settings, key, [run.run_id for run in runs])
        if database.ok:
            alive = heartbeats if broker.url else Heartbeats()
            stored = in_snapshot(engine, read_stored, alive, settings.timezone, now)
    except DatabaseError as exc:  # It went away meanwhile.
        database = DatabaseStatus(False, database.url, None, None, exc.line())
    servers = Servers(
        broker.url,
        "" if broker.ok else broker.text,
        belongs_to_up(settings),
        "" if database.ok or database.is_empty else database.text,
        outdated=database.schema in known_revisions()[1:],
    )
    return _Found(broker, database, Facts(now, servers, heartbeats, stored, read_disks(settings)))


def _read_broker(
    settings: Settings, key: bytes | None, run_ids: Sequence[str]
) -> tuple[BrokerStatus, Heartbeats | None]:
    """Return the broker's state, and what it holds of living processes and of these runs.

    key: None if the database cannot be read; then no heartbeat can be checked.
    """
    url = running_broker(settings)
    if not url:
        return _NO_BROKER, None
    from broker.broker_info import BrokerInfo
    from broker.bus import Bus
    from broker.presence import read_heartbeats

    shown_url, embedded = redact(url), not settings.redis_url
    try:
        bus = Bus.connect(url, key)
        try:
            facts = BrokerInfo.fetch(bus)
            heartbeats = None if key is None else read_heartbeats(bus, run_ids)
        finally:
            bus.close()
    except BrokerError as exc:
        return BrokerStatus(False, shown_url, embedded, exc.line()), None
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
    known = known_revisions()
    if revision not in known:
        reason = "the schema belongs to a newer version of moodline"
        return DatabaseStatus(False, url, revision, size, reason)
    if revision != known[0]:
        reason = f"its schema {revision} is older than this version"
        return DatabaseStatus(False, url, revision, size, reason)
    return DatabaseStatus(True, url, revision, size, "")
