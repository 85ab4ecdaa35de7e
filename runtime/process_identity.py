"""The identity of a process across hosts, and whether its claims are still valid."""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from contracts.times import utc_now

_LONGEST_CLAIM: Final = timedelta(days=1)
"""More than any setting allows."""
_FIRST_NAMESPACE: Final = 0xEFFFFFFC
"""PROC_PID_INIT_INO of Linux."""


def claimant_name() -> str:
    """Return the unique name of this process: HOST:PID:START, with START in clock ticks.

    In a PID namespace other than the host's first, START ends with its number, as in 4711@4026532.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{_process_start(os.getpid())}{_namespace()}"


def claim_is_alive(claimant: str | None, expires_at: datetime | None) -> bool:
    """Return whether a claim is valid: not expired, and its process not known to be dead.

    Only processes of this host and PID namespace are looked up; claims of others are valid until
    they expire.
    A claim that would be valid for days was made while a clock was wrong.
    """
    if claimant is None or expires_at is None:
        return False
    if not timedelta(0) < expires_at - utc_now() < _LONGEST_CLAIM:
        return False
    return not _can_look_up(claimant) or is_running_here(claimant)


def is_running_here(claimant: str | None) -> bool:
    """Return whether the process runs on this host, even if its claim has expired.

    False for a process of another PID namespace.
    """
    if claimant is None or not _can_look_up(claimant):
        return False
    _host, pid, start = claimant.rsplit(":", 2)
    return _process_start(int(pid)) == start.partition("@")[0]


def _can_look_up(claimant: str) -> bool:
    """Return whether its process number means something here."""
    host, _pid, start = claimant.rsplit(":", 2)
    _, mark, namespace = start.partition("@")
    return host == socket.gethostname() and mark + namespace == _namespace()


def _namespace() -> str:
    """Return "@" and the number of this process's PID namespace; "" for the host's first one."""
    try:
        number = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:  # Not Linux.
        return ""
    return "" if number == _FIRST_NAMESPACE else f"@{number}"


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
