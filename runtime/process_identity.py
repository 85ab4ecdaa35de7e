"""The identity of a process across hosts, and whether a claim of it still holds."""

import os
import socket
from datetime import datetime
from pathlib import Path

from contracts.times import utc_now


def claimant_name() -> str:
    """This process, told apart from any other: host, pid and when the pid was given."""
    return f"{socket.gethostname()}:{os.getpid()}:{_process_start(os.getpid())}"


def claim_is_alive(claimant: str | None, expires_at: datetime | None) -> bool:
    """Whether a claim still holds: not run out, and not of a process of this host that died."""
    if claimant is None or expires_at is None or expires_at <= utc_now():
        return False
    return not _is_of_this_host(claimant) or lives_here(claimant)


def lives_here(claimant: str | None) -> bool:
    """Whether it is a process of this host that lives, whatever the clock says of its claim."""
    if claimant is None or not _is_of_this_host(claimant):
        return False
    _host, pid, start = claimant.rsplit(":", 2)
    return _process_start(int(pid)) == start


def _is_of_this_host(claimant: str) -> bool:
    return claimant.rsplit(":", 2)[0] == socket.gethostname()


def _process_start(pid: int) -> str:
    """When the process was started, in the kernel's clock ticks; "" when it has ended.

    Where there is no /proc, a living pid answers "0": a reused pid then delays a takeover
    until the claim runs out, and loses nothing.
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
