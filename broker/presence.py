"""Presence: which workers, sources and services are alive, by their signed heartbeats.

A heartbeat says until when it counts, on the broker's clock: the hosts' clocks may differ, and an
old heartbeat that another program repeats must not count again.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final, Generic, TypeVar, cast

from broker.bus import Bus
from broker.heartbeats import Heartbeats
from broker.reports import LONGEST_REPORT, Report, ServiceReport, SourceReport, WorkerReport
from broker.signing import TAG_BYTES

MAX_MEMBERS: Final = 2048
_LONGEST_ID: Final = 1024
_EXPIRES: Final = struct.Struct(">Q")
_LONGEST_VALUE: Final = TAG_BYTES + _EXPIRES.size + LONGEST_REPORT

# A registry with too many members is emptied: those of moodline return with their next heartbeat.
# Values that are too long are not sent.
_LIMIT: Final = f"""
if math.max(redis.call('ZCARD', KEYS[1]), redis.call('HLEN', KEYS[2])) > {MAX_MEMBERS} then
  redis.call('UNLINK', KEYS[1], KEYS[2])
end
"""
_ADD: Final = """
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
"""
_LIST: Final = f"""
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ms)) do
  redis.call('HDEL', KEYS[2], id)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms)
local found = {{ms}}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if #id <= {_LONGEST_ID} and redis.call('HSTRLEN', KEYS[2], id) <= {_LONGEST_VALUE} then
    found[#found + 1] = id
    found[#found + 1] = redis.call('HGET', KEYS[2], id) or ''
  end
end
return found"""

AnyReport = TypeVar("AnyReport", bound=Report)


class Presence(Generic[AnyReport]):
    """The registry of one kind of report: which members are alive, and their newest reports.

    Reports that are not signed, expired or out of bounds are ignored. Its methods raise
    BrokerError if the broker cannot be reached or refuses a command.
    """

    def __init__(self, bus: Bus, kind: type[AnyReport]) -> None:
        self._bus = bus
        self._kind: type[AnyReport] = kind

    def send_heartbeat(self, report: AnyReport, *, alive_for_s: float) -> list[AnyReport]:
        """Store a report for `alive_for_s` seconds, and return all living reports."""
        expires_ms = self._bus.time_ms() + int(alive_for_s * 1000)
        data = _EXPIRES.pack(expires_ms) + report.encode()
        value = self._bus.signer.signed(self._purpose, data)
        return self._run(_LIMIT + _ADD + _LIST, [report.id, value, str(expires_ms)])

    def alive(self) -> list[AnyReport]:
        """Return the reports of all living members, by id."""
        return sorted(self._run(_LIMIT + _LIST, []), key=lambda report: report.id)

    def leave(self, member_id: str) -> None:
        """Remove a member at once."""
        alive, reports = self._keys
        with self._bus.translated_errors():
            pipeline = self._bus.client.pipeline(transaction=True)
            pipeline.zrem(alive, member_id)
            pipeline.hdel(reports, member_id)
            pipeline.execute(raise_on_error=False)

    def _run(self, script: str, arguments: Sequence[str | bytes]) -> list[AnyReport]:
        keys, client = self._keys, self._bus.client
        now_ms, *found = self._bus.repaired(
            lambda: cast("list[Any]", client.eval(script, 2, *keys, *cast("Any", arguments))), *keys
        )
        reports = list(self._read(zip(found[::2], found[1::2], strict=True), now_ms))
        self._bus.refusals.note("heartbeat", len(found) // 2 - len(reports))
        return reports

    def _read(self, found: Iterator[tuple[bytes, bytes]], now_ms: int) -> Iterator[AnyReport]:
        for member_id, value in found:
            data = self._bus.signer.opened(self._purpose, value)
            if data is None or _EXPIRES.unpack_from(data)[0] <= now_ms:
                continue
            try:
                report = self._kind.decode(data[_EXPIRES.size :])
            except ValueError:  # Another version wrote it.
                continue
            if report.id.encode() == member_id:
                yield report

    @property
    def _purpose(self) -> str:
        return f"heartbeat/{self._kind.REGISTRY}"

    @property
    def _keys(self) -> tuple[str, str]:
        registry = self._kind.REGISTRY
        return self._bus.key(registry, "alive"), self._bus.key(registry, "reports")


def read_heartbeats(bus: Bus, run_ids: Sequence[str] = ()) -> Heartbeats:
    """Return the heartbeats now. run_ids: runs whose waiting frames are counted.

    Raises BrokerError.
    """
    return Heartbeats(
        workers=Presence(bus, WorkerReport).alive(),
        services=Presence(bus, ServiceReport).alive(),
        sources=Presence(bus, SourceReport).alive(),
        waiting=bus.waiting_frames(run_ids) if run_ids else {},
    )
