"""The producer's end of a run's stream: ordered, lossless, with back-pressure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from broker.bus import CONSUMER_GROUP, MESSAGE_FIELD, Bus
from contracts.errors import FrameNumberUsedError, StreamLostError
from contracts.runs import RunKind

_RESERVED_SHARE: Final = 10
_RESERVED_BYTES: Final = 2 * 2**20


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """The limits of what may wait in the broker for one run. The producer waits at either."""

    max_frames: int
    max_bytes: int


class RunPublisher:
    """The producer's end of one run's stream.

    It never trims the stream: a full stream or broker makes the producer wait. Its methods raise
    BrokerError if the broker cannot be reached or refuses a command.
    """

    def __init__(self, bus: Bus, run_id: str, limits: StreamLimits, kind: RunKind) -> None:
        self._bus = bus
        self._run_id = run_id
        self._limits = limits
        self._kind = kind
        self._sizes: deque[int] = deque()
        self._room_left = True

    @property
    def broker_is_full(self) -> bool:
        """Whether the broker's memory is full, not just this run's share of it."""
        return not self._room_left

    def begin(self, *, reset: bool = True) -> None:
        """Create the stream and announce the run to the workers.

        reset: empty an existing stream; otherwise it stays as it is.
        """
        bus, stream = self._bus, self._bus.stream_key(self._run_id)
        with bus.translated_errors():
            pipeline = bus.client.pipeline(transaction=True)
            if reset:
                pipeline.delete(stream, bus.key(self._run_id, "rewind"))
            pipeline.xgroup_create(stream, CONSUMER_GROUP, id="0", mkstream=True)
            pipeline.hset(bus.runs_key, self._run_id, self._kind)
            for answer in pipeline.execute(raise_on_error=False):
                if isinstance(answer, RedisError) and "BUSYGROUP" not in str(answer):
                    raise answer
        self._sizes.clear()

    def publish(self, seq: int, data: bytes) -> bool:
        """Add one message. Return False if the broker's memory is full: retry later.

        A seq that was published before is accepted for a recording, whose frame is the same one.
        For a live run it raises FrameNumberUsedError. Raises StreamLostError if the stream is gone
        or its reader misses a frame: publish again from the cursor in SQL.
        """
        bus, stream = self._bus, self._bus.stream_key(self._run_id)
        with bus.translated_errors():
            pipeline = bus.client.pipeline(transaction=False)
            pipeline.xadd(
                stream, cast("Any", {MESSAGE_FIELD: data}), id=f"{seq}-0", nomkstream=True
            )
            self._request_state(pipeline)
            added, *state = pipeline.execute(raise_on_error=False)
        if isinstance(added, ResponseError):
            if "equal or smaller" not in str(added):
                return self._refused(added)
            if self._kind == RunKind.LIVE:
                raise FrameNumberUsedError(
                    f"run {self._run_id}: frame number {seq} is already used"
                )
        elif isinstance(added, RedisError):
            with bus.translated_errors():
                raise added
        elif added is None:
            raise StreamLostError(f"the broker has lost the stream of run {self._run_id}")
        self._sizes.append(len(data))
        self._apply_state(state)
        return True

    def has_room(self, size: int) -> bool:
        """Return whether a message of `size` bytes fits; an empty stream takes any one message.

        A tenth of the broker's memory is reserved for the workers: a completely full broker would
        refuse the commands that free memory. Asks the broker only if the last known state was full.
        """
        if self._fits(size):
            return True
        with self._bus.translated_errors():
            pipeline = self._bus.client.pipeline(transaction=False)
            self._request_state(pipeline)
            self._apply_state(pipeline.execute(raise_on_error=False))
        return self._fits(size)

    def is_drained(self) -> bool:
        """Return whether the workers have committed everything that was published.

        Raises StreamLostError if the stream is gone: its frames are lost, or the run has ended.
        """
        self.has_room(self._limits.max_bytes)
        return not self._sizes

    def _request_state(self, pipeline: Any) -> None:
        pipeline.exists(self._bus.stream_key(self._run_id))
        pipeline.xlen(self._bus.stream_key(self._run_id))
        pipeline.get(self._bus.key(self._run_id, "rewind"))
        pipeline.info("memory")

    def _apply_state(self, state: Sequence[Any]) -> None:
        for answer in state:
            if isinstance(answer, RedisError):
                self._sizes.clear()  # It is unknown what was added: the caller starts again.
                with self._bus.translated_errors():
                    raise answer
        exists, length, rewind, memory = state
        if not exists:
            raise StreamLostError(f"the broker has lost the stream of run {self._run_id}")
        limit, used = memory.get("maxmemory", 0), memory["used_memory"]
        reserved = max(limit // _RESERVED_SHARE, _RESERVED_BYTES)
        self._room_left = not limit or used < limit - reserved
        if rewind is not None:
            raise StreamLostError(f"run {self._run_id}: frame {int(rewind)} is missing")
        # Entries leave in order, so the last `length` that were added are those that wait.
        while len(self._sizes) > length:
            self._sizes.popleft()

    def _fits(self, size: int) -> bool:
        if not self._room_left:
            return False
        if not self._sizes:
            return True
        return (
            len(self._sizes) < self._limits.max_frames
            and sum(self._sizes) + size <= self._limits.max_bytes
        )

    def _refused(self, error: ResponseError) -> bool:
        # For some servers, redis-py replaces the code "OOM" in the text by an exception class.
        if isinstance(error, OutOfMemoryError) or str(error).startswith("OOM"):
            return False
        with self._bus.translated_errors():
            raise error
