"""BrokerInfo: facts about the broker itself."""

from dataclasses import dataclass
from typing import Self, cast

from redis.exceptions import ResponseError

from broker.bus import Bus


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
