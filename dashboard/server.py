"""The web server of the dashboard."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from contracts.addresses import is_loopback
from contracts.errors import SettingsError
from dashboard.app import create_app
from dashboard.web.backend import Backend
from records.users.accounts import has_users

_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_S: Final = 5


def serve(
    backend: Backend, *, host: str, port: int, prefix: str = "/", sign_in: bool = False
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    sign_in: require it on loopback too; on other addresses it is always required.
    Raises SettingsError if nobody could sign in, or if the server cannot listen on the address.
    """
    sign_in = sign_in or not is_loopback(host)
    if sign_in and not (backend.settings.dashboard_password or has_users(backend.engine)):
        raise SettingsError(
            f"the dashboard on {host} requires sign-in, and there are no users",
            hint="Add a user: moodline user add NAME --role admin",
        )
    app = create_app(backend, prefix=prefix, sign_in=sign_in)
    with _listening(host, port) as listener:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            forwarded_allow_ips=list(backend.settings.dashboard_proxies),
            timeout_graceful_shutdown=_GRACE_S,
        )
        _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, but it returns on a stop signal instead of raising the signal again."""

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
            hint="Another program may use the port: choose another with --port",
        ) from exc
    with listener:
        yield listener
