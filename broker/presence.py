"""Who lives, by the heartbeats of all that does, and what the broker says of itself."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, cast

from redis.exceptions import ResponseError

from broker.bus import Bus

# The broker's clock orders the heartbeats: hosts may disagree about the time. A member's score
# is when it stops counting as alive.
_NOW: Final = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
"""
_LIVING: Final = """
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
{_LIVING}"""
_LOOK: Final = _NOW + _LIVING


LATENCY_BOUNDS_S: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker says of itself with each heartbeat.

    runs: ids of those that it holds. fps: frames committed a second, of late. lag: frames of its
    runs that wait in the broker. latency_p95_s: capture to commit of its live frames, of late.
    latency_counts: of all of them since its start, as many as were up to each of LATENCY_BOUNDS_S
    late and not up to the one before; the last are those beyond.
    """

    id: str
    host: str
    pid: int
    device: str
    model: str
    runs: tuple[str, ...] = ()
    fps: float = 0.0
    lag: int = 0
    latency_p95_s: float | None = None
    latency_counts: tuple[int, ...] = ()

    ROLL: ClassVar = "workers"

    def encode(self) -> bytes:
        """As it travels."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The report in `data`; what another version adds is left out."""
        values = json.loads(data)
        known = {name: values[name] for name in cls.__slots__ if name in values}
        lists = {name: tuple(values.get(name, ())) for name in ("runs", "latency_counts")}
        return cls(**known | lists)


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a supervisor says of a live source: state, why, and since when (ISO 8601, UTC).

    id: the source's name. fps: pictures that came a second, of late. last_frame_age_s: None
    before the first. host: of the supervisor.
    """

    id: str
    state: str
    reason: str
    since: str
    host: str
    run_id: str = ""
    fps: float = 0.0
    last_frame_age_s: float | None = None

    ROLL: ClassVar = "sources"

    def encode(self) -> bytes:
        """As it travels."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The report in `data`; what another version adds is left out."""
        values = json.loads(data)
        return cls(**{name: values[name] for name in cls.__slots__ if name in values})


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """What a service beside the workers says of itself: ingest, scheduler or dashboard.

    state: running, standby (another one is active), or trouble, with its reason; since when it
    is so (ISO 8601, UTC).
    """

    id: str
    service: str
    host: str
    pid: int
    state: str
    reason: str
    since: str

    ROLL: ClassVar = "services"

    def encode(self) -> bytes:
        """As it travels."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The report in `data`; what another version adds is left out."""
        values = json.loads(data)
        return cls(**{name: values[name] for name in cls.__slots__ if name in values})


Report = TypeVar("Report", WorkerReport, SourceReport, ServiceReport)


class Presence(Generic[Report]):
    """The list of what lives, of one kind, kept in the broker."""

    def __init__(self, bus: Bus, kind: type[Report]) -> None:
        self._bus = bus
        self._kind: type[Report] = kind

    def report(self, mine: Report, *, alive_for_s: float) -> list[Report]:
        """Say that this one lives, for so long; all that do, itself included."""
        arguments: list[str | bytes] = [mine.id, mine.encode(), str(int(alive_for_s * 1000))]
        return self._ask(_HEARTBEAT, arguments)

    def living(self) -> list[Report]:
        """All that live, by their ids."""
        return sorted(self._ask(_LOOK, []), key=lambda report: report.id)

    def leave(self, one: str) -> None:
        """Take one off the list, by its id."""
        with self._bus.errors():
            pipeline = self._bus.client.pipeline(transaction=True)
            pipeline.zrem(self._keys[0], one)
            pipeline.hdel(self._keys[1], one)
            pipeline.execute()

    def _ask(self, script: str, arguments: Sequence[str | bytes]) -> list[Report]:
        with self._bus.errors():
            found = cast(
                "list[bytes | None]",
                self._bus.client.eval(script, 2, *self._keys, *cast("list[Any]", arguments)),
            )
        return [self._kind.decode(one) for one in found if one]

    @property
    def _keys(self) -> tuple[str, str]:
        # Braces keep both on one node of a cluster, as a script needs it.
        roll = f"{self._bus.prefix}:{{{self._kind.ROLL}}}"
        return f"{roll}:alive", f"{roll}:reports"


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """What a broker is, and whether it is fit to hold frames.

    persists: it writes what it holds to disk; None where it does not tell.
    """

    server: str
    version: str
    policy: str
    max_memory: int
    used_memory: int
    persists: bool | None

    @classmethod
    def ask(cls, bus: Bus) -> Self:
        """Raises BrokerError."""
        with bus.errors():
            info = bus.client.info()
            persists: bool | None = bool(info.get("aof_enabled"))
            try:
                snapshots = cast("dict[str, str]", bus.client.config_get("save"))
                persists = persists or bool(snapshots.get("save"))
            except ResponseError:
                persists = persists or None  # Hosted ones do not let their settings be read.
        valkey = info.get("server_name") == "valkey"
        return cls(
            server="Valkey" if valkey else "Redis",
            version=str(info["valkey_version"] if valkey else info["redis_version"]),
            policy=str(info.get("maxmemory_policy", "")),
            max_memory=int(info.get("maxmemory", 0)),
            used_memory=int(info["used_memory"]),
            persists=persists,
        )
