"""Connection guard: what other libraries connect to, where a user named it.

Libraries that deliver alerts open their own sockets, and some run programs. Python reports both
as audit events (PEP 578) before they happen, so an address is checked when it is connected to, and
not when its name was looked up.
"""

import errno
import socket
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

from runtime.network.addresses import Resolver, is_public, is_special, resolve_host

REFUSAL: Final = (
    "its host is in a private network, or this one. The owner of this host may allow it: "
    "MOODLINE_ALERT_HOSTS"
)
_CONNECTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_REFUSED: Final = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        "syslog.syslog",
    }
)
_THREADS: Final = frozenset({"_thread.start_new_thread", "_thread.start_joinable_thread"})
"""A thread would not be guarded."""


@dataclass(slots=True)
class Guard:
    """The connections that are allowed, and whether something was refused.

    addresses: those of private networks that may be connected to. threads: whether threads may
    start; whoever allows them hands the context on (contextvars.copy_context). own: the sockets
    that were bound in the block: a library may connect to itself, as paho does.
    """

    addresses: frozenset[str]
    threads: bool
    refused: bool = False
    own: list[socket.socket] = field(default_factory=list)


_current: ContextVar[Guard | None] = ContextVar("connection_guard", default=None)
_lock: Final = threading.Lock()
_installed: Final[list[bool]] = []


@contextmanager
def guarded_connections(
    allowed: Collection[str] = (), *, threads: bool = False, resolve: Resolver = resolve_host
) -> Iterator[Guard]:
    """Let this thread connect to the internet only, and to the allowed hosts, within the block.

    What else is attempted raises PermissionError where it is attempted, with REFUSAL.
    """
    with _lock:
        if not _installed:
            sys.addaudithook(_check)  # It stays for the life of the process.
            _installed.append(True)
    addresses: set[str] = set()
    for host in allowed:
        with suppress(OSError, UnicodeError):
            addresses.update(resolve(host))
    guard = Guard(frozenset(addresses), threads)
    token = _current.set(guard)
    try:
        yield guard
    finally:
        _current.reset(token)


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    guard = _current.get()
    if guard is None:
        return
    if event in _CONNECTS:
        target = arguments[1]
        if target is None and event == "socket.sendmsg":  # Of a socket that is connected.
            return
        token = _current.set(None)  # The check opens sockets of its own.
        try:
            is_allowed = _allows(guard, target)
        finally:
            _current.reset(token)
    elif event == "socket.bind":
        guard.own.append(arguments[0])
        return
    elif event in _THREADS:
        is_allowed = guard.threads
    else:
        is_allowed = event not in _REFUSED
    if not is_allowed:
        guard.refused = True
        raise PermissionError(errno.EACCES, REFUSAL)


def _allows(guard: Guard, target: Any) -> bool:
    """Return whether the guard allows an address of a socket. Names and paths are refused."""
    try:
        text = str(target[0]).partition("%")[0]
        address = ip_address(text)
    except (TypeError, ValueError, IndexError):
        return False
    if text in guard.addresses:
        return not is_special(address)
    return is_public(address) or any(_place(one) == target[:2] for one in guard.own)


def _place(bound: socket.socket) -> tuple[Any, ...]:
    """Return the address and port of a socket; () if it is closed."""
    with suppress(OSError):
        return tuple(bound.getsockname()[:2])
    return ()
