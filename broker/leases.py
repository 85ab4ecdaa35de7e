"""Leases: at most one worker analyses a run at a time. The fence in SQL makes sure of it."""

from typing import Final

from broker.bus import Bus

_LONGEST_S: Final = 120.0

# A lease that does not run out is not ours: it would keep all workers from the run.
_ACQUIRE: Final = """
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left > tonumber(ARGV[3]) then redis.call('UNLINK', KEYS[1]) end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0"""
_RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0"""


class Leases:
    """The leases of runs. Its methods raise BrokerError."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def acquire(self, run_id: str, worker_id: str, *, lease_s: float) -> bool:
        """Take or renew the worker's lease on a run; return False if another worker has it.

        lease_s: at most 120 s.
        """
        milliseconds = str(int(lease_s * 1000))
        return self._run(_ACQUIRE, run_id, worker_id, milliseconds, str(int(_LONGEST_S * 1000)))

    def release(self, run_id: str, worker_id: str) -> None:
        """Give the lease up, if the worker still has it."""
        self._run(_RELEASE, run_id, worker_id)

    def _run(self, script: str, run_id: str, *arguments: str) -> bool:
        key, client = self._bus.key(run_id, "lease"), self._bus.client
        return self._bus.repaired(lambda: bool(client.eval(script, 1, key, *arguments)), key)
