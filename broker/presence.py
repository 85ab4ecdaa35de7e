"""Liveness: heartbeats of workers, sources and services; and facts about the broker itself."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, cast

from pydantic import TypeAdapter
from redis.exceptions import ResponseError

from broker.bus import Bus

# The broker's clock decides what is alive, because the hosts' clocks may differ. A member's score
# is the time at which it stops counting as alive.
_NOW: Final = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
"""
_REPORTS: Final = """
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ms, '+inf')
if #ids == 0 then return {} end
return redis.call('HMGET', KEYS[2], unpack(ids))"""
_HEARTBEAT: Final = f"""{_NOW}
redis.call('ZADD', KEYS[1], ms + ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ms)) do
  redis.call('HDEL', KEYS[2], id)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms)
{_REPORTS}"""
_LIST: Final = _NOW + _REPORTS

LATENCY_BOUNDS_S: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Report:
    """The part that all heartbeat reports have in common. id: unique in its registry."""

    id: str

    REGISTRY: ClassVar[str]

    def encode(self) -> bytes:
        """Return the report as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the report in `data`, without fields that another version added.

        Raises ValueError if a field is missing or of another type.
        """
        return cast("Self", _ADAPTERS[cls].validate_json(data))


@dataclass(frozen=True, slots=True)
class WorkerReport(Report):
    """A worker's heartbeat.

    runs: ids of the runs that it holds. fps: recently committed frames per second. lag: frames of
    its runs that wait in the broker. latency_p95_s: recent 95th percentile of capture to commit of
    live frames. latency_counts: histogram of that latency since the worker's start; one count for
    each of LATENCY_BOUNDS_S (above the bound before, up to this one), and one beyond the last.
    """

    host: str
    pid: int
    device: str
    model: str
    runs: tuple[str, ...] = ()
    fps: float = 0.0
    lag: int = 0
    latency_p95_s: float | None = None
    latency_counts: tuple[int, ...] = ()

    REGISTRY: ClassVar[str] = "workers"


@dataclass(frozen=True, slots=True)
class SourceReport(Report):
    """A supervisor's heartbeat for a live source.

    id: the source's name. state, reason, since: a LiveState, why, and since when (ISO 8601, UTC).
    host: the supervisor's. fps: frames that recently arrived per second. last_frame_age_s: None
    before the first frame.
    """

    state: str
    reason: str
    since: str
    host: str
    run_id: str = ""
    fps: float = 0.0
    last_frame_age_s: float | None = None

    REGISTRY: ClassVar[str] = "sources"


@dataclass(frozen=True, slots=True)
class ServiceReport(Report):
    """A service's heartbeat.

    service: ingest, scheduler or dashboard. state: running, standby (another instance is active)
    or trouble. reason, since: why it is in that state, and since when (ISO 8601, UTC).
    """

    service: str
    host: str
    pid: int
    state: str
    reason: str
    since: str

    REGISTRY: ClassVar[str] = "services"


_ADAPTERS: Final[dict[type[Report], TypeAdapter[Any]]] = {
    kind: TypeAdapter(kind) for kind in (WorkerReport, SourceReport, ServiceReport)
}

AnyReport = TypeVar("AnyReport", bound=Report)


class Presence(Generic[AnyReport]):
    """The registry of one kind of report: which members are alive, and their newest reports.

    Its methods raise BrokerError if the broker cannot be reached or refuses a command.
    """

    def __init__(self, bus: Bus, kind: type[AnyReport]) -> None:
        self._bus = bus
        self._kind: type[AnyReport] = kind

    def send_heartbeat(self, report: AnyReport, *, alive_for_s: float) -> list[AnyReport]:
        """Store a report for `alive_for_s` seconds, and return all living reports."""
        arguments: list[str | bytes] = [report.id, report.encode(), str(int(alive_for_s * 1000))]
        return self._run(_HEARTBEAT, arguments)

    def alive(self) -> list[AnyReport]:
        """Return the reports of all living members, by id."""
        return sorted(self._run(_LIST, []), key=lambda report: report.id)

    def leave(self, member_id: str) -> None:
        """Remove a member at once."""
        alive, reports = self._keys
        with self._bus.translated_errors():
            pipeline = self._bus.client.pipeline(transaction=True)
            pipeline.zrem(alive, member_id)
            pipeline.hdel(reports, member_id)
            pipeline.execute()

    def _run(self, script: str, arguments: Sequence[str | bytes]) -> list[AnyReport]:
        with self._bus.translated_errors():
            found = cast(
                "list[bytes | None]",
                self._bus.client.eval(script, 2, *self._keys, *cast("list[Any]", arguments)),
            )
        return [self._kind.decode(data) for data in found if data]

    @property
    def _keys(self) -> tuple[str, str]:
        registry = self._kind.REGISTRY
        return self._bus.key(registry, "alive"), self._bus.key(registry, "reports")


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """Facts about a broker that decide whether it is fit to hold frames.

    policy: its eviction policy. max_memory, used_memory: in bytes; 0 means no limit. persists:
    whether it writes its data to disk; None if it does not say.
    """

    server: str
    version: str
    policy: str
    max_memory: int
    used_memory: int
    persists: bool | None

    @classmethod
    def fetch(cls, bus: Bus) -> Self:
        """Ask the broker. Raises BrokerError."""
        with bus.translated_errors():
            info = bus.client.info()
            persists: bool | None = bool(info.get("aof_enabled"))
            try:
                snapshots = cast("dict[str, str]", bus.client.config_get("save"))
                persists = persists or bool(snapshots.get("save"))
            except ResponseError:
                persists = persists or None  # Hosted brokers do not allow CONFIG GET.
        valkey = info.get("server_name") == "valkey"
        return cls(
            server="Valkey" if valkey else "Redis",
            version=str(info["valkey_version"] if valkey else info["redis_version"]),
            policy=str(info.get("maxmemory_policy", "")),
            max_memory=int(info.get("maxmemory", 0)),
            used_memory=int(info["used_memory"]),
            persists=persists,
        )
