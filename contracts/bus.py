"""Both ends of the frame stream: publish, lease, read, ack, dead-letter.

One stream per run. Entry ids are `<seq>-0`, contiguous from 1, so that order is the broker's
own rule: an id that is "equal or smaller" was published before. Nothing here is the truth;
whatever is lost is published again from SQL's cursor.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from contracts.errors import BrokerError, StreamLostError
from contracts.redact import redact

_GROUP: Final = "workers"
_CONSUMER: Final = "worker"  # One fixed name: what a dead worker had pending, the next one reads.
_FIELD: Final = b"m"
_MAX_DEAD_LETTERS: Final = 64
_SOCKET_TIMEOUT_S: Final = 10.0
_HINT: Final = "Check that it runs, and the host and password in MOODLINE_REDIS_URL"

_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0"""
# The broker's clock orders the heartbeats: hosts may disagree about the time.
_HEARTBEAT: Final = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZADD', KEYS[1], ms, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - ARGV[2])
return redis.call('ZCARD', KEYS[1])"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry of a run's stream; `data` is None when its body is gone from the broker."""

    seq: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How much of a run may wait in the broker: its producer waits when either is reached."""

    max_frames: int
    max_bytes: int


class Bus:
    """A connection to the broker, and the names that moodline uses there."""

    def __init__(self, client: "redis.Redis", *, url: str = "", prefix: str = "moodline") -> None:
        self._client = client
        self._prefix = prefix
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
        with bus._errors():
            client.ping()
        return bus

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    # -- runs and workers ---------------------------------------------------------------

    def open_runs(self) -> list[str]:
        """Ids of the runs that have a stream, sorted, live before file."""
        with self._errors():
            kinds = cast("dict[bytes, bytes]", self._client.hgetall(self._runs_key))
        return [
            run_id.decode()
            for run_id, kind in sorted(kinds.items(), key=lambda item: (item[1] == b"file", item))
        ]

    def heartbeat(self, worker_id: str, *, alive_for_s: float) -> int:
        """Say that `worker_id` lives; the number of workers that said so within that time."""
        with self._errors():
            return int(
                cast(
                    "int",
                    self._client.eval(
                        _HEARTBEAT, 1, self._workers_key, worker_id, str(int(alive_for_s * 1000))
                    ),
                )
            )

    def leave(self, worker_id: str) -> None:
        """Take `worker_id` off the list of the living."""
        with self._errors():
            self._client.zrem(self._workers_key, worker_id)

    def take(self, run_id: str, worker_id: str, *, lease_s: float) -> bool:
        """Lease the run, or find that this worker has it already. False: another has it."""
        key, milliseconds = self._key(run_id, "lease"), int(lease_s * 1000)
        with self._errors():
            if self._client.set(key, worker_id, nx=True, px=milliseconds):
                return True
            return bool(self._client.eval(_RENEW, 1, key, worker_id, str(milliseconds)))

    def renew(self, run_id: str, worker_id: str, *, lease_s: float) -> bool:
        """Extend the lease. False: it had run out, and another may have the run."""
        with self._errors():
            return bool(
                self._client.eval(
                    _RENEW, 1, self._key(run_id, "lease"), worker_id, str(int(lease_s * 1000))
                )
            )

    def release(self, run_id: str, worker_id: str) -> None:
        """Give the lease back, if it is still this worker's."""
        with self._errors():
            self._client.eval(_RELEASE, 1, self._key(run_id, "lease"), worker_id)

    # -- the worker's end of a stream ---------------------------------------------------

    def pending(self, run_id: str, count: int) -> list[Delivery]:
        """Entries that were delivered before and never acked, in order."""
        return self._read({run_id: b"0"}, count, None).get(run_id, [])

    def read(
        self, run_ids: Sequence[str], count: int, *, block_ms: int
    ) -> dict[str, list[Delivery]]:
        """New entries of the runs, in order, waiting up to `block_ms` for a first one."""
        return self._read(dict.fromkeys(run_ids, b">"), count, block_ms)

    def ack(self, run_id: str, seqs: Sequence[int]) -> None:
        """Drop committed entries: XACK ends their delivery, XDEL frees their memory."""
        ids = [f"{seq}-0" for seq in seqs]
        if not ids:
            return
        with self._errors():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.xack(self._stream(run_id), _GROUP, *ids)
            pipeline.xdel(self._stream(run_id), *ids)
            pipeline.execute()

    def request_rewind(self, run_id: str, next_seq: int) -> None:
        """Ask the producer to publish again from SQL's cursor: `next_seq` is missing."""
        with self._errors():
            self._client.set(self._key(run_id, "rewind"), next_seq)

    def dead_letter(self, run_id: str, seq: int, data: bytes, *, ttl_s: int) -> None:
        """Keep the bytes of a frame that could not be analysed; few, and not for long."""
        if ttl_s <= 0:
            return
        with self._errors():
            pipeline = self._client.pipeline(transaction=True)
            entry = cast("Any", {b"run": run_id, b"seq": str(seq), _FIELD: data})
            pipeline.xadd(self._dead_key, entry, maxlen=_MAX_DEAD_LETTERS, approximate=False)
            pipeline.expire(self._dead_key, ttl_s)
            pipeline.execute()

    def forget(self, run_id: str) -> None:
        """Drop everything that the broker holds of a run that has ended."""
        with self._errors():
            pipeline = self._client.pipeline(transaction=True)
            pipeline.hdel(self._runs_key, run_id)
            pipeline.delete(self._stream(run_id), self._key(run_id, "rewind"))
            pipeline.execute()

    # -- the producer's end -------------------------------------------------------------

    def publisher(self, run_id: str, limits: StreamLimits, *, kind: str) -> "RunPublisher":
        """The producer's end of a run's stream; `begin` it before the first frame."""
        return RunPublisher(self, run_id, limits, kind)

    # -- within this module -------------------------------------------------------------

    def _read(
        self, ids: Mapping[str, bytes], count: int, block_ms: int | None
    ) -> dict[str, list[Delivery]]:
        streams = cast("Any", {self._stream(run_id): start for run_id, start in ids.items()})
        run_of = {self._stream(run_id).encode(): run_id for run_id in ids}
        with self._errors():
            try:
                answer = self._client.xreadgroup(
                    _GROUP, _CONSUMER, streams, count=count, block=block_ms
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
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError) as exc:
            raise BrokerError(
                f"cannot reach the broker {self.url}: {redact(str(exc))}", hint=_HINT
            ) from exc
        except RedisError as exc:
            raise BrokerError(f"the broker {self.url} refused: {redact(str(exc))}") from exc

    def _stream(self, run_id: str) -> str:
        return self._key(run_id, "frames")

    def _key(self, run_id: str, what: str) -> str:
        return f"{self._prefix}:{{{run_id}}}:{what}"

    @property
    def _runs_key(self) -> str:
        return f"{self._prefix}:runs"

    @property
    def _workers_key(self) -> str:
        return f"{self._prefix}:workers"

    @property
    def _dead_key(self) -> str:
        return f"{self._prefix}:dead"


class RunPublisher:
    """The producer's end of one run's stream. Lossless: it never trims, it says "full"."""

    def __init__(self, bus: Bus, run_id: str, limits: StreamLimits, kind: str) -> None:
        self._bus = bus
        self._run_id = run_id
        self._limits = limits
        self._kind = kind
        self._sizes: deque[int] = deque()

    def begin(self) -> None:
        """Make the stream anew, empty, and announce the run to the workers."""
        bus, stream = self._bus, self._bus._stream(self._run_id)
        with bus._errors():
            pipeline = bus._client.pipeline(transaction=True)
            pipeline.delete(stream, bus._key(self._run_id, "rewind"))
            pipeline.xgroup_create(stream, _GROUP, id="0", mkstream=True)
            pipeline.hset(bus._runs_key, self._run_id, self._kind)
            pipeline.execute()
        self._sizes.clear()

    def publish(self, seq: int, data: bytes) -> bool:
        """Add one message. False: the broker's memory is full, try again later.

        Raises StreamLostError when the stream is gone or its reader misses a frame: publish
        again from SQL's cursor.
        """
        bus, stream = self._bus, self._bus._stream(self._run_id)
        with bus._errors():
            pipeline = bus._client.pipeline(transaction=False)
            pipeline.xadd(stream, cast("Any", {_FIELD: data}), id=f"{seq}-0", nomkstream=True)
            self._ask_state(pipeline)
            added, *state = pipeline.execute(raise_on_error=False)
        if isinstance(added, ResponseError):
            if "equal or smaller" not in str(added):
                return self._refused(added)
        elif isinstance(added, RedisError):
            with bus._errors():
                raise added
        elif added is None:
            raise StreamLostError(f"the stream of run {self._run_id} is gone from the broker")
        self._sizes.append(len(data))
        self._note_state(state)
        return True

    def has_room(self, size: int) -> bool:
        """Whether a message of `size` bytes fits; an empty stream takes any one message.

        Asks the broker only while the last answer was "full".
        """
        if self._fits(size):
            return True
        with self._bus._errors():
            pipeline = self._bus._client.pipeline(transaction=False)
            self._ask_state(pipeline)
            self._note_state(pipeline.execute(raise_on_error=False))
        return self._fits(size)

    def is_drained(self) -> bool:
        """Whether the workers have committed everything that was published."""
        return self.has_room(self._limits.max_bytes) and not self._sizes

    def _ask_state(self, pipeline: Any) -> None:
        pipeline.xlen(self._bus._stream(self._run_id))
        pipeline.get(self._bus._key(self._run_id, "rewind"))

    def _note_state(self, state: Sequence[Any]) -> None:
        for answer in state:
            if isinstance(answer, RedisError):
                with self._bus._errors():
                    raise answer
        length, rewind = state
        if rewind is not None:
            raise StreamLostError(f"run {self._run_id}: frame {int(rewind)} is missing")
        # Entries leave in order, so those that wait are the last `length` that were added.
        while len(self._sizes) > length:
            self._sizes.popleft()

    def _fits(self, size: int) -> bool:
        if not self._sizes:
            return True
        return (
            len(self._sizes) < self._limits.max_frames
            and sum(self._sizes) + size <= self._limits.max_bytes
        )

    def _refused(self, error: ResponseError) -> bool:
        # redis-py strips the code "OOM" from some servers' answers and makes a class of it.
        if isinstance(error, OutOfMemoryError) or str(error).startswith("OOM"):
            return False
        with self._bus._errors():
            raise error


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
        Delivery(int(entry_id.partition(b"-")[0]), fields.get(_FIELD) if fields else None)
        for entry_id, fields in entries
    ]
