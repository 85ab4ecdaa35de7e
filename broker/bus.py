"""The connection to the broker, its key names, and the worker's end of the frame streams.

There is one stream per run. Entry ids are `<seq>-0`, contiguous from 1, so the broker itself
enforces the order: it rejects an id that was published before. The broker holds no authoritative
data: whatever it loses is published again from the cursor in SQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from contracts.errors import BrokerError, StreamLostError
from contracts.redaction import redact
from contracts.runs import RunKind
from runtime.backoff import retry_until_stopped
from runtime.stop_signal import StopSignal

CONSUMER_GROUP: Final = "workers"
MESSAGE_FIELD: Final = b"m"
# One name for all workers: the next worker of a run reads what a dead one had pending.
_CONSUMER: Final = "worker"
_SOCKET_TIMEOUT_S: Final = 10.0
_HINT: Final = "Check that it is running, and the host and password in MOODLINE_REDIS_URL"

_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry of a run's stream. data: None if the broker has lost it."""

    seq: int
    data: bytes | None


class Bus:
    """A connection to the broker. prefix: begins every key.

    Its methods raise BrokerError if the broker cannot be reached or refuses a command.
    """

    def __init__(self, client: "redis.Redis", *, url: str = "", prefix: str = "moodline") -> None:
        self.client = client
        self.prefix = prefix
        self.url = redact(url)

    @classmethod
    def connect(cls, url: str) -> Self:
        """Return a bus on the broker at `url`, after one round trip to it."""
        try:
            client = redis.Redis.from_url(
                url,
                socket_timeout=_SOCKET_TIMEOUT_S,
                socket_connect_timeout=5.0,
                retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), 3),
            )
        except ValueError as exc:
            raise BrokerError(
                f"invalid broker URL: {redact(url)}",
                hint="Give MOODLINE_REDIS_URL as redis://:PASSWORD@HOST:6379/0 or unix:///PATH",
            ) from exc
        bus = cls(client, url=url)
        with bus.translated_errors():
            client.ping()
        return bus

    @classmethod
    def connect_when_up(cls, url: str, stop: StopSignal) -> Self:
        """Return `connect`'s bus once the broker is up. Raises BrokerError if stopped before."""
        return retry_until_stopped(
            lambda: cls.connect(url), BrokerError, stop, action="reach the broker"
        )

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    # -- runs and workers ---------------------------------------------------------------

    def open_runs(self, *, kind: RunKind | None = None) -> list[str]:
        """Return the ids of the runs that have a stream, sorted, live runs first.

        kind: only runs of this kind.
        """
        with self.translated_errors():
            kinds = cast("dict[bytes, bytes]", self.client.hgetall(self.runs_key))
        return [
            run_id.decode()
            for run_id, its_kind in sorted(
                kinds.items(), key=lambda item: (item[1] == b"file", item)
            )
            if kind is None or its_kind.decode() == kind
        ]

    def acquire_lease(self, run_id: str, worker_id: str, *, lease_s: float) -> bool:
        """Take or renew the worker's lease on a run; return False if another worker has it."""
        key, milliseconds = self.key(run_id, "lease"), int(lease_s * 1000)
        with self.translated_errors():
            if self.client.set(key, worker_id, nx=True, px=milliseconds):
                return True
            return bool(self.client.eval(_RENEW, 1, key, worker_id, str(milliseconds)))

    def renew_lease(self, run_id: str, worker_id: str, *, lease_s: float) -> bool:
        """Extend the lease; return False if it has expired: another worker may have the run."""
        with self.translated_errors():
            return bool(
                self.client.eval(
                    _RENEW, 1, self.key(run_id, "lease"), worker_id, str(int(lease_s * 1000))
                )
            )

    def release_lease(self, run_id: str, worker_id: str) -> None:
        """Give the lease up, if the worker still has it."""
        with self.translated_errors():
            self.client.eval(_RELEASE, 1, self.key(run_id, "lease"), worker_id)

    # -- the worker's end of a stream ---------------------------------------------------

    def pending(self, run_id: str, count: int) -> list[Delivery]:
        """Return entries that were delivered before and not acknowledged, in order.

        Raises StreamLostError if the stream is gone.
        """
        return self._read({run_id: b"0"}, count, None).get(run_id, [])

    def read(
        self, run_ids: Sequence[str], count: int, *, block_ms: int
    ) -> dict[str, list[Delivery]]:
        """Return new entries by run, in order; wait up to `block_ms` for the first one.

        Raises StreamLostError if there is only one run and its stream is gone.
        """
        return self._read(dict.fromkeys(run_ids, b">"), count, block_ms)

    def waiting_frames(self, run_ids: Sequence[str]) -> dict[str, int]:
        """Return the number of frames by run that are published and not yet committed."""
        with self.translated_errors():
            pipeline = self.client.pipeline(transaction=False)
            for run_id in run_ids:
                pipeline.xlen(self.stream_key(run_id))
            return dict(zip(run_ids, pipeline.execute(), strict=True))

    def last_message(self, run_id: str) -> bytes | None:
        """Return the newest message that is still in the run's stream, or None."""
        with self.translated_errors():
            entries = cast("list[Any]", self.client.xrevrange(self.stream_key(run_id), count=1))
        return cast("bytes | None", entries[0][1].get(MESSAGE_FIELD)) if entries else None

    def ack(self, run_id: str, seqs: Sequence[int]) -> None:
        """Drop committed entries: XACK ends their delivery, and XDEL frees their memory."""
        ids = [f"{seq}-0" for seq in seqs]
        if not ids:
            return
        with self.translated_errors():
            # Both or neither: an acknowledged entry that stays would never be freed.
            pipeline = self.client.pipeline(transaction=True)
            pipeline.xack(self.stream_key(run_id), CONSUMER_GROUP, *ids)
            pipeline.xdel(self.stream_key(run_id), *ids)
            pipeline.execute()

    def request_rewind(self, run_id: str, next_seq: int) -> None:
        """Ask the producer to publish again from `next_seq`, which is missing."""
        with self.translated_errors():
            self.client.set(self.key(run_id, "rewind"), next_seq)

    def forget_run(self, run_id: str) -> None:
        """Drop all keys of a run that has ended, except its lease."""
        with self.translated_errors():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.hdel(self.runs_key, run_id)
            pipeline.delete(self.stream_key(run_id), self.key(run_id, "rewind"))
            pipeline.execute()

    def _read(
        self, ids: Mapping[str, bytes], count: int, block_ms: int | None
    ) -> dict[str, list[Delivery]]:
        streams = cast("Any", {self.stream_key(run_id): start for run_id, start in ids.items()})
        run_of = {self.stream_key(run_id).encode(): run_id for run_id in ids}
        with self.translated_errors():
            try:
                answer = self.client.xreadgroup(
                    CONSUMER_GROUP, _CONSUMER, streams, count=count, block=block_ms
                )
            except ResponseError as exc:
                if "NOGROUP" in str(exc):  # The stream is gone, or not yet created again.
                    return self._read_one_by_one(ids, count)
                raise
        return {run_of[stream]: _deliveries(entries) for stream, entries in _pairs(answer)}

    def _read_one_by_one(self, ids: Mapping[str, bytes], count: int) -> dict[str, list[Delivery]]:
        if len(ids) == 1:
            raise StreamLostError(f"the broker has lost the stream of run {next(iter(ids))}")
        found: dict[str, list[Delivery]] = {}
        for run_id, start in ids.items():
            try:
                found |= self._read({run_id: start}, count, None)
            except StreamLostError:
                continue
        return found

    # -- for the other modules of this package ------------------------------------------

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Raise BrokerError in place of the client's errors."""
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError) as exc:
            raise BrokerError(
                f"cannot reach the broker {self.url}: {redact(str(exc))}", hint=_HINT
            ) from exc
        except RedisError as exc:
            raise BrokerError(
                f"the broker {self.url} refused a command: {redact(str(exc))}"
            ) from exc

    def stream_key(self, run_id: str) -> str:
        return self.key(run_id, "frames")

    def key(self, name: str, kind: str) -> str:
        """Return the key of one kind for a run or source. Braces keep its keys on one node."""
        return f"{self.prefix}:{{{name}}}:{kind}"

    @property
    def runs_key(self) -> str:
        return f"{self.prefix}:runs"


def _pairs(answer: object) -> list[tuple[bytes, list[Any]]]:
    """Return (stream, entries) pairs from XREADGROUP's answer: a RESP2 list or a RESP3 dict."""
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
        Delivery(int(entry_id.partition(b"-")[0]), fields.get(MESSAGE_FIELD) if fields else None)
        for entry_id, fields in entries
    ]
