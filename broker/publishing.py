"""The producer's end of a run's stream: ordered, lossless, with back-pressure."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from broker.bus import COPIED, Bus
from broker.entries.entry_writer import Entry, EntryWriter, StreamLimits
from broker.signing import rewind_purpose
from contracts.errors import FrameNumberUsedError, StreamLostError
from contracts.runs import RunKind

_RESERVED_SHARE: Final = 10
_RESERVED_BYTES: Final = 2 * 2**20
_LONGEST_REWIND: Final = 127
_MEMORY_EVERY: Final = 16
"""Shared frames after which the broker is asked for its memory."""
_MOST_TOGETHER: Final = 8
_MOST_TOGETHER_BYTES: Final = 4 * 2**20
_TOGETHER_S: Final = 0.05
"""Messages that follow each other faster are sent together: a command costs as much as eight."""
_CREATED_BY: Final = "moodline"
"""A consumer group, which nobody reads with: it is the only way to create an empty stream."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message that workers have not committed. size: in bytes. is_shared: in shared memory."""

    size: int
    is_shared: bool


class RunPublisher:
    """The producer's end of one run's stream.

    It never trims the stream: a full stream or broker makes the producer wait. If another program
    has written into the stream, it is lost: `begin` then makes a new one. Its methods raise
    BrokerError if the broker cannot be reached or refuses a command.

    shares_memory: whether all workers are on this host, so that frames stay in shared memory.
    clock: in seconds.
    """

    def __init__(  # noqa: PLR0913  (the last one for tests)
        self,
        bus: Bus,
        run_id: str,
        limits: StreamLimits,
        kind: RunKind,
        *,
        shares_memory: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus = bus
        self._run_id = run_id
        self._limits = limits
        self._kind = kind
        self._clock = clock
        self._sent_at = -_TOGETHER_S
        self._outgoing: list[Entry] = []
        self._waiting: deque[_Waiting] = deque()
        self._writer = EntryWriter(lambda: bus.signer, run_id, limits, shares_memory=shares_memory)
        self._kept: int | None = None
        self._first_seq = 0
        self._room_left = True
        self._is_spoiled = False

    @property
    def broker_is_full(self) -> bool:
        """Whether the broker's memory is full, not just this run's share of it."""
        return not self._room_left

    def begin(self, *, reset: bool = True) -> None:
        """Create the stream and announce the run to the workers.

        reset: empty an existing stream; otherwise it stays as it is, unless it is spoiled.
        """
        bus, stream = self._bus, self._bus.stream_key(self._run_id)
        bus.repaired(lambda: self._create(stream, reset=reset or self._is_spoiled), stream)
        key = bus.runs_key
        bus.repaired(lambda: bus.client.hset(key, self._run_id, self._kind), key)
        self.close()
        self._first_seq, self._is_spoiled = 0, False

    def close(self) -> None:
        """Give up the shared memory, if there is any."""
        self._outgoing.clear()
        self._waiting.clear()
        self._writer.close()

    def _create(self, stream: str, *, reset: bool) -> None:
        pipeline = self._bus.client.pipeline(transaction=True)
        if reset:
            pipeline.unlink(stream, self._bus.key(self._run_id, "rewind"))
        pipeline.xgroup_create(stream, _CREATED_BY, id="0", mkstream=True)
        pipeline.xlen(stream)
        answers = pipeline.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, RedisError) and "BUSYGROUP" not in str(answer):
                raise answer
        self._kept = answers[-1]

    def publish(self, seq: int, data: bytes, chroma: bytes = b"", *, more: bool = False) -> bool:
        """Add one message. Return False if the broker's memory is full: retry later.

        chroma: the frame's colour as `encode_chroma` encodes it, which travels beside the message.
        more: another message follows soon, so that this one may be sent together with it.

        If an earlier attempt has added it, it is accepted for a recording, whose frame is the same
        one; for a live run it raises FrameNumberUsedError. Raises StreamLostError if the stream is
        gone or spoiled, or if its reader misses a frame: publish again from the cursor in SQL.
        """
        self._outgoing.append(self._writer.entry(seq, data, chroma))
        if (more and self._may_wait()) or self._send():
            return True
        if self._outgoing.pop().is_shared:
            self._writer.drop_newest()
        return False

    def _may_wait(self) -> bool:
        """Whether the messages that are not sent yet are few, and the last ones were just sent."""
        return (
            len(self._outgoing) < _MOST_TOGETHER
            and sum(one.size for one in self._outgoing) < _MOST_TOGETHER_BYTES
            and self._clock() - self._sent_at < _TOGETHER_S
        )

    def _send(self) -> bool:
        """Add the outgoing messages, all or none. Return False if the broker's memory is full.

        After an error none is outgoing any more: whether they were added is unknown.
        """
        entries, self._outgoing = self._outgoing, []
        is_added = self._add(entries)
        if not is_added:
            self._outgoing = entries
        return is_added

    def _add(self, entries: list[Entry]) -> bool:
        bus, stream = self._bus, self._bus.stream_key(self._run_id)
        with bus.translated_errors():
            pipeline = bus.client.pipeline(transaction=len(entries) > 1)
            for one in entries:
                pipeline.xadd(stream, one.fields, id=f"{one.seq}-0", nomkstream=True)
            # References take no room, and the answer has fifty lines.
            is_due = any(not one.is_shared or one.seq % _MEMORY_EVERY == 0 for one in entries)
            self._request_state(pipeline, memory=is_due or not self._room_left)
            try:
                answers = pipeline.execute(raise_on_error=False)
            except ResponseError as exc:  # A transaction that is refused as a whole.
                return self._refused(exc)
        self._sent_at = self._clock()
        if not self._are_added(entries, answers[: len(entries)]):
            return False
        self._first_seq = self._first_seq or entries[0].seq
        self._waiting.extend(_Waiting(one.size, one.is_shared) for one in entries)
        self._apply_state(answers[len(entries) :])
        return True

    def _are_added(self, entries: list[Entry], answers: Sequence[Any]) -> bool:
        """Check the answers for the messages. Return False if the memory is full."""
        for answer in answers:
            if isinstance(answer, ResponseError):
                if _is_wrong_type(answer):
                    raise self._spoiled()
                if "equal or smaller" not in str(answer):
                    return self._refused(answer)
            elif isinstance(answer, RedisError):
                with self._bus.translated_errors():
                    raise answer
            elif answer is None:
                raise StreamLostError(f"the broker has lost the stream of run {self._run_id}")
        if any(isinstance(answer, ResponseError) for answer in answers):
            self._check_last_is(entries[-1].seq)
        return True

    def has_room(self, size: int) -> bool:
        """Return whether a message of `size` bytes fits; an empty stream takes any one message.

        A tenth of the broker's memory is reserved for the workers: a completely full broker would
        refuse the commands that free memory. Asks the broker only if the last known state was full.
        """
        if self._fits(size):
            return True
        if self._outgoing:
            self._send()
            return self._fits(size)
        with self._bus.translated_errors():
            pipeline = self._bus.client.pipeline(transaction=False)
            is_due = not self._writer.has_memory or not self._room_left
            self._request_state(pipeline, memory=is_due)
            self._apply_state(pipeline.execute(raise_on_error=False))
        return self._fits(size)

    def is_drained(self) -> bool:
        """Return whether the workers have committed everything that was published.

        Raises StreamLostError if the stream is gone: its frames are lost, or the run has ended.
        """
        self.has_room(self._limits.max_bytes)
        return not (self._waiting or self._outgoing)

    def _request_state(self, pipeline: Any, *, memory: bool = True) -> None:
        pipeline.exists(self._bus.stream_key(self._run_id))
        pipeline.xlen(self._bus.stream_key(self._run_id))
        pipeline.getrange(self._bus.key(self._run_id, "rewind"), 0, _LONGEST_REWIND)
        if memory:
            pipeline.info("memory")

    def _apply_state(self, state: Sequence[Any]) -> None:
        exists, length, rewind, *memory = state
        if _is_wrong_type(length):
            raise self._spoiled()
        if _is_wrong_type(rewind):
            self._drop_rewind()
            rewind = b""
        for answer in (exists, length, rewind, *memory):
            if isinstance(answer, RedisError):
                self._waiting.clear()  # It is unknown what was added: the caller starts again.
                with self._bus.translated_errors():
                    raise answer
        if not exists:
            raise StreamLostError(f"the broker has lost the stream of run {self._run_id}")
        if self._kept is not None and length > self._kept + len(self._waiting):
            raise self._spoiled()
        for one in memory:
            limit, used = one.get("maxmemory", 0), one["used_memory"]
            reserved = max(limit // _RESERVED_SHARE, _RESERVED_BYTES)
            self._room_left = not limit or used < limit - reserved
        if rewind:
            self._rewind(rewind)
        # Entries leave in order, so the last `length` that were added are those that wait.
        while len(self._waiting) > length:
            if self._waiting.popleft().is_shared:
                self._writer.drop_oldest()

    def _rewind(self, request: bytes) -> None:
        """Raise StreamLostError if a worker asked for what was published since `begin`."""
        missing = self._bus.signer.opened(rewind_purpose(self._run_id), request)
        if missing is not None and missing.endswith(COPIED):
            self._writer.stop_sharing()
            missing = missing.removesuffix(COPIED)
        if missing is not None and int(missing) >= self._first_seq:
            raise StreamLostError(f"run {self._run_id}: frame {int(missing)} is missing")
        self._drop_rewind()

    def _drop_rewind(self) -> None:
        self._bus.refusals.note("rewind request")
        with self._bus.translated_errors():
            self._bus.client.unlink(self._bus.key(self._run_id, "rewind"))

    def _check_last_is(self, seq: int) -> None:
        """Find out why a seq is refused: it is the last one already, or the stream is spoiled."""
        stream = self._bus.stream_key(self._run_id)
        with self._bus.translated_errors():
            try:
                last = cast("Any", self._bus.client.xinfo_stream(stream))["last-generated-id"]
            except ResponseError as exc:  # It was deleted or replaced in the meantime.
                raise self._spoiled() from exc
        if last != f"{seq}-0".encode():
            raise self._spoiled()
        if self._kind == RunKind.LIVE:
            raise FrameNumberUsedError(f"run {self._run_id}: frame number {seq} is already used")

    def _spoiled(self) -> StreamLostError:
        self._is_spoiled = True
        self._bus.refusals.note("stream")
        return StreamLostError(f"another program wrote into the stream of run {self._run_id}")

    def _fits(self, size: int) -> bool:
        if not self._room_left:
            return False
        count = len(self._waiting) + len(self._outgoing)
        if not count:
            return True
        used = sum(one.size for one in self._waiting) + sum(one.size for one in self._outgoing)
        return count < self._limits.max_frames and used + size <= self._limits.max_bytes

    def _refused(self, error: ResponseError) -> bool:
        # For some servers, redis-py replaces the code "OOM" in the text by an exception class.
        if isinstance(error, OutOfMemoryError) or str(error).startswith("OOM"):
            return False
        with self._bus.translated_errors():
            raise error


def _is_wrong_type(answer: object) -> bool:
    return isinstance(answer, RedisError) and "WRONGTYPE" in str(answer)
