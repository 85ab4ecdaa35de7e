"""The producer's end of a run's stream: publish in order, without loss, and say "full"."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from broker.bus import FIELD, GROUP, Bus
from contracts.errors import NumberUsedError, StreamLostError
from contracts.runs import RunKind

_RESERVED_SHARE: Final = 10
_RESERVED_BYTES: Final = 2 * 2**20


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How much of a run may wait in the broker: its producer waits when either is reached."""

    max_frames: int
    max_bytes: int


class RunPublisher:
    """The producer's end of one run's stream. Lossless: it never trims, it says "full".

    kind: of the run, "live" or "file".
    """

    def __init__(self, bus: Bus, run_id: str, limits: StreamLimits, kind: str) -> None:
        self._bus = bus
        self._run_id = run_id
        self._limits = limits
        self._kind = kind
        self._sizes: deque[int] = deque()
        self._room_left = True

    @property
    def broker_is_full(self) -> bool:
        """Whether it is the broker's memory, not this run's share of it, that has no room."""
        return not self._room_left

    def begin(self, *, anew: bool = True) -> None:
        """Make the stream, and announce the run to the workers.

        anew: what is in it goes; else a stream that is still there stays as it is.
        """
        bus, stream = self._bus, self._bus.stream_key(self._run_id)
        with bus.errors():
            pipeline = bus.client.pipeline(transaction=True)
            if anew:
                pipeline.delete(stream, bus.key(self._run_id, "rewind"))
            pipeline.xgroup_create(stream, GROUP, id="0", mkstream=True)
            pipeline.hset(bus.runs_key, self._run_id, self._kind)
            for answer in pipeline.execute(raise_on_error=False):
                if isinstance(answer, RedisError) and "BUSYGROUP" not in str(answer):
                    raise answer
        self._sizes.clear()

    def publish(self, seq: int, data: bytes) -> bool:
        """Add one message. False: the broker's memory is full, try again later.

        Raises StreamLostError when the stream is gone or its reader misses a frame: publish
        again from SQL's cursor. A number that is used already means that a recording's frame is
        there; of a live run it raises NumberUsedError.
        """
        bus, stream = self._bus, self._bus.stream_key(self._run_id)
        with bus.errors():
            pipeline = bus.client.pipeline(transaction=False)
            pipeline.xadd(stream, cast("Any", {FIELD: data}), id=f"{seq}-0", nomkstream=True)
            self._ask_state(pipeline)
            added, *state = pipeline.execute(raise_on_error=False)
        if isinstance(added, ResponseError):
            if "equal or smaller" not in str(added):
                return self._refused(added)
            if self._kind == RunKind.LIVE:
                raise NumberUsedError(f"run {self._run_id}: number {seq} is used already")
        elif isinstance(added, RedisError):
            with bus.errors():
                raise added
        elif added is None:
            raise StreamLostError(f"the stream of run {self._run_id} is gone from the broker")
        self._sizes.append(len(data))
        self._note_state(state)
        return True

    def has_room(self, size: int) -> bool:
        """Whether a message of `size` bytes fits; an empty stream takes any one message.

        A tenth of the broker's memory is left to the workers: full to the brim, it would refuse
        the very commands that make room. Asks the broker only while the last answer was "full".
        """
        if self._fits(size):
            return True
        with self._bus.errors():
            pipeline = self._bus.client.pipeline(transaction=False)
            self._ask_state(pipeline)
            self._note_state(pipeline.execute(raise_on_error=False))
        return self._fits(size)

    def is_drained(self) -> bool:
        """Whether the workers have committed everything that was published.

        Raises StreamLostError when the stream is gone: with its frames, or because the run ended.
        """
        self.has_room(self._limits.max_bytes)
        return not self._sizes

    def _ask_state(self, pipeline: Any) -> None:
        pipeline.exists(self._bus.stream_key(self._run_id))
        pipeline.xlen(self._bus.stream_key(self._run_id))
        pipeline.get(self._bus.key(self._run_id, "rewind"))
        pipeline.info("memory")

    def _note_state(self, state: Sequence[Any]) -> None:
        for answer in state:
            if isinstance(answer, RedisError):
                self._sizes.clear()  # What was added is unknown: the caller begins anew.
                with self._bus.errors():
                    raise answer
        exists, length, rewind, memory = state
        if not exists:
            raise StreamLostError(f"the stream of run {self._run_id} is gone from the broker")
        limit, used = memory.get("maxmemory", 0), memory["used_memory"]
        reserved = max(limit // _RESERVED_SHARE, _RESERVED_BYTES)
        self._room_left = not limit or used < limit - reserved
        if rewind is not None:
            raise StreamLostError(f"run {self._run_id}: frame {int(rewind)} is missing")
        # Entries leave in order, so those that wait are the last `length` that were added.
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
        # redis-py strips the code "OOM" from some servers' answers and makes a class of it.
        if isinstance(error, OutOfMemoryError) or str(error).startswith("OOM"):
            return False
        with self._bus.errors():
            raise error
