"""The worker's end of the frame streams: lease, read, ack, dead-letter. And the names of all.

`broker.publishing` is the producer's end, `broker.presence` tells who lives. One stream per
run. Entry ids are `<seq>-0`, contiguous from 1, so that order is the broker's own rule: an id that
is "equal or smaller" was published before. Nothing here is the truth; whatever is lost is published
again from SQL's cursor.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self, cast

import redis
import structlog
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from contracts.errors import BrokerError, StreamLostError
from contracts.redaction import redact

log = structlog.get_logger()

GROUP: Final = "workers"
_CONSUMER: Final = "worker"  # One fixed name: what a dead worker had pending, the next one reads.
FIELD: Final = b"m"
_MAX_DEAD_LETTERS: Final = 64
_RUNS_A_CALL: Final = 1000
_SOCKET_TIMEOUT_S: Final = 10.0
_RETRY_S: Final = 1.0
_HINT: Final = "Check that it runs, and the host and password in MOODLINE_REDIS_URL"

_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0"""
_DROP_LETTERS: Final = """
local unwanted, dropped = {}, 0
for _, run in ipairs(ARGV) do unwanted[run] = true end
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
  for at = 1, #entry[2], 2 do
    if entry[2][at] == 'run' and unwanted[entry[2][at + 1]] then
      dropped = dropped + redis.call('XDEL', KEYS[1], entry[1])
    end
  end
end
return dropped"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry of a run's stream; `data` is None when its body is gone from the broker."""

    seq: int
    data: bytes | None


class Bus:
    """A connection to the broker, and the names that moodline uses there."""

    def __init__(self, client: "redis.Redis", *, url: str = "", prefix: str = "moodline") -> None:
        self.client = client
        self.prefix = prefix
        self.url = redact(url)

    @classmethod
    def connect(cls, url: str) -> Self:
        """A bus on the broker at `url`, reached once. Raises BrokerError."""
        try:
            client = redis.Redis.from_url(
                url,
                socket_timeout=_SOCKET_TIMEOUT_S,
                socket_connect_timeout=5.0,
                retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 3),
            )
        except ValueError as exc:
            raise BrokerError(
                f"not a broker URL: {redact(url)}",
                hint="Give MOODLINE_REDIS_URL as redis://:PASSWORD@HOST:6379/0 or unix:///PATH",
            ) from exc
        bus = cls(client, url=url)
        with bus.errors():
            client.ping()
        return bus

    @classmethod
    def connect_when_up(cls, url: str, should_stop: Callable[[], bool]) -> Self:
        """As `connect`, once the broker is up. Raises BrokerError when a stop comes first."""
        while True:
            try:
                return cls.connect(url)
            except BrokerError as exc:
                if should_stop():
                    raise
                log.warning("waiting for the broker", reason=exc.line(), retry_in_s=_RETRY_S)
                time.sleep(_RETRY_S)

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()

    # -- runs and workers ---------------------------------------------------------------

    def open_runs(self, *, kind: str | None = None) -> list[str]:
        """Ids of the runs that have a stream, sorted, live before file; of one kind, or all."""
        with self.errors():
            kinds = cast("dict[bytes, bytes]", self.client.hgetall(self.runs_key))
        return [
            run_id.decode()
            for run_id, its in sorted(kinds.items(), key=lambda item: (item[1] == b"file", item))
            if kind is None or its.decode() == kind
        ]

    def take(self, run_id: str, worker_id: str, *, lease_s: float) -> bool:
        """Lease the run, or find that this worker has it already. False: another has it."""
        key, milliseconds = self.key(run_id, "lease"), int(lease_s * 1000)
        with self.errors():
            if self.client.set(key, worker_id, nx=True, px=milliseconds):
                return True
            return bool(self.client.eval(_RENEW, 1, key, worker_id, str(milliseconds)))

    def renew(self, run_id: str, worker_id: str, *, lease_s: float) -> bool:
        """Extend the lease. False: it had run out, and another may have the run."""
        with self.errors():
            return bool(
                self.client.eval(
                    _RENEW, 1, self.key(run_id, "lease"), worker_id, str(int(lease_s * 1000))
                )
            )

    def release(self, run_id: str, worker_id: str) -> None:
        """Give the lease back, if it is still this worker's."""
        with self.errors():
            self.client.eval(_RELEASE, 1, self.key(run_id, "lease"), worker_id)

    # -- the worker's end of a stream ---------------------------------------------------

    def pending(self, run_id: str, count: int) -> list[Delivery]:
        """Entries that were delivered before and never acked, in order."""
        return self._read({run_id: b"0"}, count, None).get(run_id, [])

    def read(
        self, run_ids: Sequence[str], count: int, *, block_ms: int
    ) -> dict[str, list[Delivery]]:
        """New entries of the runs, in order, waiting up to `block_ms` for a first one."""
        return self._read(dict.fromkeys(run_ids, b">"), count, block_ms)

    def waiting(self, run_ids: Sequence[str]) -> dict[str, int]:
        """Frames of each run that are in the broker: published, and not committed yet."""
        with self.errors():
            pipeline = self.client.pipeline(transaction=False)
            for run_id in run_ids:
                pipeline.xlen(self.stream_key(run_id))
            return dict(zip(run_ids, pipeline.execute(), strict=True))

    def last_message(self, run_id: str) -> bytes | None:
        """The newest entry that is still in the run's stream; None where there is none."""
        with self.errors():
            entries = cast("list[Any]", self.client.xrevrange(self.stream_key(run_id), count=1))
        return cast("bytes | None", entries[0][1].get(FIELD)) if entries else None

    def ack(self, run_id: str, seqs: Sequence[int]) -> None:
        """Drop committed entries: XACK ends their delivery, XDEL frees their memory."""
        ids = [f"{seq}-0" for seq in seqs]
        if not ids:
            return
        with self.errors():
            # Both or neither: an entry that is acked and stays would take room for ever.
            pipeline = self.client.pipeline(transaction=True)
            pipeline.xack(self.stream_key(run_id), GROUP, *ids)
            pipeline.xdel(self.stream_key(run_id), *ids)
            pipeline.execute()

    def request_rewind(self, run_id: str, next_seq: int) -> None:
        """Ask the producer to publish again from SQL's cursor: `next_seq` is missing."""
        with self.errors():
            self.client.set(self.key(run_id, "rewind"), next_seq)

    def dead_letter(self, run_id: str, seq: int, data: bytes, *, ttl_s: int) -> None:
        """Keep the bytes of a frame that could not be analysed; few, and not for long."""
        if ttl_s <= 0:
            return
        with self.errors():
            pipeline = self.client.pipeline(transaction=True)
            entry = cast("Any", {b"run": run_id, b"seq": str(seq), FIELD: data})
            pipeline.xadd(self._dead_key, entry, maxlen=_MAX_DEAD_LETTERS, approximate=False)
            pipeline.expire(self._dead_key, ttl_s)
            pipeline.execute()

    def drop_letters(self, run_ids: Sequence[str]) -> int:
        """Drop the frames of these runs that were set aside: they are pictures. How many."""
        dropped = 0
        with self.errors():
            for begin in range(0, len(run_ids), _RUNS_A_CALL):
                some = run_ids[begin : begin + _RUNS_A_CALL]
                dropped += int(
                    cast("Any", self.client.eval(_DROP_LETTERS, 1, self._dead_key, *some))
                )
        return dropped

    def forget(self, run_id: str) -> None:
        """Drop everything that the broker holds of a run that has ended."""
        with self.errors():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.hdel(self.runs_key, run_id)
            pipeline.delete(self.stream_key(run_id), self.key(run_id, "rewind"))
            pipeline.execute()

    # -- for the modules that share this connection -------------------------------------

    def _read(
        self, ids: Mapping[str, bytes], count: int, block_ms: int | None
    ) -> dict[str, list[Delivery]]:
        streams = cast("Any", {self.stream_key(run_id): start for run_id, start in ids.items()})
        run_of = {self.stream_key(run_id).encode(): run_id for run_id in ids}
        with self.errors():
            try:
                answer = self.client.xreadgroup(
                    GROUP, _CONSUMER, streams, count=count, block=block_ms
                )
            except ResponseError as exc:
                if "NOGROUP" in str(exc):  # The stream is gone, or not begun again yet.
                    return self._read_one_by_one(ids, count)
                raise
        return {run_of[stream]: _deliveries(entries) for stream, entries in _pairs(answer)}

    def _read_one_by_one(self, ids: Mapping[str, bytes], count: int) -> dict[str, list[Delivery]]:
        if len(ids) == 1:
            raise StreamLostError(f"the stream of run {next(iter(ids))} is gone from the broker")
        found: dict[str, list[Delivery]] = {}
        for run_id, start in ids.items():
            try:
                found |= self._read({run_id: start}, count, None)
            except StreamLostError:
                continue
        return found

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError) as exc:
            raise BrokerError(
                f"cannot reach the broker {self.url}: {redact(str(exc))}", hint=_HINT
            ) from exc
        except RedisError as exc:
            raise BrokerError(f"the broker {self.url} refused: {redact(str(exc))}") from exc

    def stream_key(self, run_id: str) -> str:
        return self.key(run_id, "frames")

    def key(self, run_id: str, what: str) -> str:
        return f"{self.prefix}:{{{run_id}}}:{what}"

    @property
    def runs_key(self) -> str:
        return f"{self.prefix}:runs"

    @property
    def _dead_key(self) -> str:
        return f"{self.prefix}:dead"


def _pairs(answer: object) -> list[tuple[bytes, list[Any]]]:
    """XREADGROUP's answer, which is a list with RESP2 and a dict with RESP3."""
    if not answer:
        return []
    if isinstance(answer, dict):
        # RESP3 wraps each stream's entries once more.
        return [
            (stream, entries[0] if entries and isinstance(entries[0], list) else entries)
            for stream, entries in answer.items()
        ]
    return [(stream, entries) for stream, entries in cast("list[Any]", answer)]


def _deliveries(entries: list[Any]) -> list[Delivery]:
    return [
        Delivery(int(entry_id.partition(b"-")[0]), fields.get(FIELD) if fields else None)
        for entry_id, fields in entries
    ]
