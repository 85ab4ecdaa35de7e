"""Dead letters: frames that could not be analysed, kept in broker memory for a limited time."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, cast

from broker.bus import Bus
from broker.entries.stream_entries import MESSAGE_FIELD

MAX_DEAD_LETTERS: Final = 64
_RUNS_PER_CALL: Final = 1000
_DROP: Final = f"""
local unwanted, dropped = {{}}, 0
for _, run in ipairs(ARGV) do unwanted[run] = true end
redis.call('XTRIM', KEYS[1], 'MAXLEN', {MAX_DEAD_LETTERS})
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
  for at = 1, #entry[2], 2 do
    if entry[2][at] == 'run' and unwanted[entry[2][at + 1]] then
      dropped = dropped + redis.call('XDEL', KEYS[1], entry[1])
    end
  end
end
return dropped"""


class DeadLetters:
    """The dead letters of all runs: the newest MAX_DEAD_LETTERS.

    Its methods raise BrokerError if the broker cannot be reached or refuses a command.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.key = f"{bus.prefix}:dead"

    def add(self, run_id: str, seq: int, data: bytes | memoryview, *, ttl_s: int) -> None:
        """Keep a frame; all of them expire `ttl_s` seconds after the last one. 0 keeps none."""
        if ttl_s <= 0:
            return
        entry = cast("Any", {b"run": run_id, b"seq": str(seq), MESSAGE_FIELD: bytes(data)})

        def add() -> None:
            pipeline = self._bus.client.pipeline(transaction=True)
            pipeline.xadd(self.key, entry, maxlen=MAX_DEAD_LETTERS, approximate=False)
            pipeline.expire(self.key, ttl_s)
            pipeline.execute()

        self._bus.repaired(add, self.key)

    def drop(self, run_ids: Sequence[str]) -> int:
        """Drop the dead letters of these runs, and return how many there were."""
        dropped, client = 0, self._bus.client
        for begin in range(0, len(run_ids), _RUNS_PER_CALL):
            some = run_ids[begin : begin + _RUNS_PER_CALL]
            drop = partial(client.eval, _DROP, 1, self.key, *some)
            answer = self._bus.repaired(drop, self.key)
            dropped += int(cast("Any", answer))
        return dropped
