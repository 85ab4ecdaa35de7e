"""The identity of a process across hosts, and whether its claims are still valid."""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from contracts.times import utc_now

_LONGEST_CLAIM: Final = timedelta(days=1)
"""More than any setting allows."""


def claimant_name() -> str:
    """Return the unique name of this process: HOST:PID:START, with START in clock ticks."""
    return f"{socket.gethostname()}:{os.getpid()}:{_process_start(os.getpid())}"


def claim_is_alive(claimant: str | None, expires_at: datetime | None) -> bool:
    """Return whether a claim is valid: not expired, and its process not known to be dead.

    Only processes of this host are looked up; claims of other hosts are valid until they expire.
    A claim that would be valid for days was made while a clock was wrong.
    """
    if claimant is None or expires_at is None:
        return False
    if not timedelta(0) < expires_at - utc_now() < _LONGEST_CLAIM:
        return False
    return not _is_on_this_host(claimant) or is_running_here(claimant)


def is_running_here(claimant: str | None) -> bool:
    """Return whether the process runs on this host, even if its claim has expired."""
    if claimant is None or not _is_on_this_host(claimant):
        return False
    _host, pid, start = claimant.rsplit(":", 2)
    return _process_start(int(pid)) == start


def _is_on_this_host(claimant: str) -> bool:
    return claimant.rsplit(":", 2)[0] == socket.gethostname()


def _process_start(pid: int) -> str:
    """Return the start time of the process in clock ticks of the kernel; "" if it has ended.

    Without /proc, return "0" for every running process: a reused pid then delays a takeover
    until the claim expires, and nothing is lost.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "0"
