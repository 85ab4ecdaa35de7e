"""The connection to the broker, its key names, and the worker's end of the frame streams.

There is one stream per run. Entry ids are `<seq>-0`, contiguous from 1, so the broker itself
enforces the order: it rejects an id that was published before. The broker holds no authoritative
data: whatever it loses is published again from the cursor in SQL.

Other programs may reach the broker too. So what is read from it is bounded, and believed only with
a signature (`broker.signing`); the database says which runs exist and how far they are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any, Final, Self, TypeVar, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from broker.entries.stream_entries import Delivery, EntryReader
from broker.refusals import Refusals
from broker.signing import Signer, rewind_purpose
from contracts.errors import BrokerError
from contracts.redaction import redact
from runtime.backoff import retry_until_stopped
from runtime.stop_signal import StopSignal

COPIED: Final = b" copied"
"""Behind a rewind request: publish the messages themselves, shared memory cannot be read."""
_SOCKET_TIMEOUT_S: Final = 10.0
_LONGEST_ERROR: Final = 300
_REPAIRS: Final = 10
"""Times that a key is repaired while another program spoils it again and again."""
_HINT: Final = "Check that it is running, and the host and password in MOODLINE_REDIS_URL"

Result = TypeVar("Result")


class Bus:
    """A connection to the broker. prefix: begins every key.

    key: signs values; without it, only facts about the broker can be read. refusals: what was read
    and not believed. Its methods raise BrokerError if the broker cannot be reached
    or refuses a command.
    """

    def __init__(
        self,
        client: "redis.Redis",
        *,
        url: str = "",
        prefix: str = "moodline",
        key: bytes | None = None,
    ) -> None:
        self.client = client
        self.prefix = prefix
        self.url = redact(url)
        self.refusals = Refusals()
        self._signer = Signer(key) if key is not None else None
        self._entries = EntryReader(lambda: self.signer, self.refusals)

    @classmethod
    def connect(cls, url: str, key: bytes | None = None) -> Self:
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
        bus = cls(client, url=url, key=key)
        with bus.translated_errors():
            client.ping()
        return bus

    @classmethod
    def connect_when_up(cls, url: str, key: bytes, stop: StopSignal) -> Self:
        """Return `connect`'s bus once the broker is up. Raises BrokerError if stopped before."""
        return retry_until_stopped(
            lambda: cls.connect(url, key), BrokerError, stop, action="reach the broker"
        )

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    @property
    def signer(self) -> Signer:
        """Signs and checks values. Raises BrokerError if this connection has no key."""
        if self._signer is None:
            raise BrokerError("this connection to the broker has no key")
        return self._signer

    # -- the worker's end of a stream ---------------------------------------------------

    def read(
        self, next_seqs: Mapping[str, int], count: int, *, block_ms: int
    ) -> dict[str, list[Delivery]]:
        """Return messages by run, in order; wait up to `block_ms` for the first one.

        next_seqs: by run, the first message that is not committed. At most `count` entries of each
        run are read; those that are not valid messages are deleted.
        """
        streams = {self.stream_key(run_id): f"{seq - 1}-0" for run_id, seq in next_seqs.items()}
        run_of = {self.stream_key(run_id).encode(): run_id for run_id in next_seqs}

        with self.translated_errors():
            try:
                answer = self.client.xread(cast("Any", streams), count=count, block=block_ms)
            except ResponseError as exc:
                if "WRONGTYPE" not in str(exc):
                    raise
                self._delete_unlike_streams(list(streams))
                return {}  # The next call reads; another key may be spoiled meanwhile.
        found = {
            run_of[stream]: self._valid(run_of[stream], next_seqs[run_of[stream]], entries)
            for stream, entries in _pairs(answer)
        }
        return {run_id: deliveries for run_id, deliveries in found.items() if deliveries}

    def waiting_frames(self, run_ids: Sequence[str]) -> dict[str, int]:
        """Return the number of entries by run that are published and not yet committed."""
        with self.translated_errors():
            pipeline = self.client.pipeline(transaction=False)
            for run_id in run_ids:
                pipeline.xlen(self.stream_key(run_id))
            answers = pipeline.execute(raise_on_error=False)
        return {
            run_id: answer if isinstance(answer, int) else 0
            for run_id, answer in zip(run_ids, answers, strict=True)
        }

    def last_message(self, run_id: str) -> Delivery | None:
        """Return the newest message that is still in the run's stream, or None."""
        key = self.stream_key(run_id)
        entries = self.repaired(lambda: self.client.xrevrange(key, count=1), key)
        valid = [self._entries.delivery(run_id, entry) for entry in cast("list[Any]", entries)]
        return valid[0] if valid else None

    def drop_committed(self, next_seqs: Mapping[str, int]) -> None:
        """Delete all entries before each run's first message that is not committed."""
        if not next_seqs:
            return
        with self.translated_errors():
            pipeline = self.client.pipeline(transaction=False)
            for run_id, seq in next_seqs.items():
                pipeline.xtrim(self.stream_key(run_id), minid=f"{seq}-0", approximate=False)
            for answer in pipeline.execute(raise_on_error=False):
                # A key of another type is repaired when it is read.
                if isinstance(answer, RedisError) and "WRONGTYPE" not in str(answer):
                    raise answer

    def request_rewind(self, run_id: str, next_seq: int, *, copied: bool = False) -> None:
        """Ask the producer to publish again from `next_seq`, which is missing.

        copied: through the broker, as its shared memory cannot be read.
        """
        request = str(next_seq).encode() + COPIED * copied
        value = self.signer.signed(rewind_purpose(run_id), request)
        with self.translated_errors():
            self.client.set(self.key(run_id, "rewind"), value)

    def forget_run(self, run_id: str) -> None:
        """Drop all keys of a run that has ended, except its lease."""
        self._entries.forget_run(run_id)
        with self.translated_errors():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.unlink(self.stream_key(run_id), self.key(run_id, "rewind"))
            pipeline.hdel(self.runs_key, run_id)
            pipeline.execute(raise_on_error=False)

    def _valid(self, run_id: str, next_seq: int, entries: list[Any]) -> list[Delivery]:
        messages = [self._entries.delivery(run_id, entry) for entry in entries]
        refused = [
            entry_id
            for (entry_id, _), message in zip(entries, messages, strict=True)
            if message is None
        ]
        if refused:
            self.refusals.note("stream entry", len(refused))
            with self.translated_errors():
                self.client.xdel(self.stream_key(run_id), *refused)
        found = [one for one in messages if one is not None and one.seq >= next_seq]
        return self._readable(run_id, found)

    def _readable(self, run_id: str, found: list[Delivery]) -> list[Delivery]:
        """Return the deliveries before the first whose memory is gone, with its producer."""
        readable = list(takewhile(lambda one: len(one.data), found))
        lost = [one.seq for one in found[len(readable) :]]
        if lost:
            self.request_rewind(run_id, lost[0], copied=True)
            with self.translated_errors():
                self.client.xdel(self.stream_key(run_id), *(f"{seq}-0" for seq in lost))
        return readable

    def _delete_unlike_streams(self, keys: Sequence[str]) -> None:
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.type(key)
        found = zip(keys, pipeline.execute(), strict=True)
        unlike = [key for key, kind in found if kind not in {b"stream", b"none"}]
        if unlike:
            self.refusals.note("key of another type", len(unlike))
            self.client.unlink(*unlike)

    # -- for the other modules of this package ------------------------------------------

    def repaired(self, action: Callable[[], Result], *keys: str) -> Result:
        """Return the action's result. If the keys' values cannot be used, delete them first.

        They are of another type, or a stream has no more ids: another program wrote them.
        """
        with self.translated_errors():
            for _ in range(_REPAIRS):
                try:
                    return action()
                except ResponseError as exc:
                    if "WRONGTYPE" not in str(exc) and "exhausted" not in str(exc):
                        raise
                self.refusals.note("key of another type")
                self.client.unlink(*keys)
            return action()

    def time_ms(self) -> int:
        """Return the broker's time, in milliseconds since 1970."""
        with self.translated_errors():
            seconds, micros = self.client.time()
        return seconds * 1000 + micros // 1000

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Raise BrokerError in place of the client's errors."""
        try:
            yield
        except (RedisConnectionError, RedisTimeoutError) as exc:
            raise BrokerError(
                f"cannot reach the broker {self.url}: {_reason(exc)}", hint=_HINT
            ) from exc
        except RedisError as exc:
            raise BrokerError(f"the broker {self.url} refused a command: {_reason(exc)}") from exc

    def stream_key(self, run_id: str) -> str:
        return self.key(run_id, "frames")

    def key(self, name: str, kind: str) -> str:
        """Return the key of one kind for a run or source. Braces keep its keys on one node."""
        return f"{self.prefix}:{{{name}}}:{kind}"

    @property
    def runs_key(self) -> str:
        return f"{self.prefix}:runs"


def _reason(error: RedisError) -> str:
    # A pipeline's error quotes the command, frames included.
    text = redact(str(error))
    return text if len(text) <= _LONGEST_ERROR else f"{text[:100]} ... {text[-200:]}"


def _pairs(answer: object) -> list[tuple[bytes, list[Any]]]:
    """Return (stream, entries) pairs from XREAD's answer: a RESP2 list or a RESP3 dict."""
    if not answer:
        return []
    if isinstance(answer, dict):
        # RESP3 wraps each stream's entries once more.
        return [
            (stream, entries[0] if entries and isinstance(entries[0], list) else entries)
            for stream, entries in answer.items()
        ]
    return [(stream, entries) for stream, entries in cast("list[Any]", answer)]
