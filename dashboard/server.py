"""Serves the dashboard until SIGTERM or Ctrl-C."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from typing import Final

import uvicorn

from contracts.errors import SettingsError
from dashboard.app import create_app
from dashboard.web.backend import Backend
from records.users import has_users

_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_S: Final = 5


def serve(
    backend: Backend, *, host: str, port: int, prefix: str = "/", sign_in: bool = False
) -> None:
    """Run until it is told to stop. Raises SettingsError for an address that cannot be used.

    sign_in: ask for it on loopback, too; beyond it always is.
    """
    sign_in = sign_in or not _is_loopback(host)
    if sign_in and not (backend.settings.dashboard_password or has_users(backend.engine)):
        raise SettingsError(
            f"nobody could sign in to the dashboard on {host}",
            hint="Add somebody: moodline user add NAME --role admin",
        )
    proxies = _proxies(backend.settings.dashboard_proxies)
    app = create_app(backend, prefix=prefix, sign_in=sign_in)
    with _listening(host, port) as listener:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=_GRACE_S,
        )
        _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Returns when it is told to stop, where uvicorn would raise the signal once more."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        ((family, _, _, _, address), *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.create_server(address[:2], family=family)
    except (OSError, OverflowError, UnicodeError) as exc:
        raise SettingsError(
            f"the dashboard cannot listen on {host}:{port}: {getattr(exc, 'strerror', '') or exc}",
            hint="Another program may have the port: choose another one",
        ) from exc
    with listener:
        yield listener


def _proxies(text: str) -> list[str]:
    """The addresses and networks in the setting. Raises SettingsError for what is none."""
    found = [one.strip() for one in text.split(",") if one.strip()]
    for one in found:
        try:
            ip_network(one)
        except ValueError as exc:
            raise SettingsError(
                f"MOODLINE_DASHBOARD_PROXIES: {one!r} is no address of a proxy, and no network",
                hint="Example: 127.0.0.1,172.16.0.0/12",
            ) from exc
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
