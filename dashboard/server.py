"""The web server of the dashboard."""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from contracts.errors import SettingsError
from contracts.parsing.addresses import is_loopback
from dashboard.app import create_app
from dashboard.web.limits.http_server import http_server
from dashboard.web.limits.tls import tls_context
from records.users.accounts import check_sign_in
from runtime.processes.garbage import spare_loaded_objects
from serving.backend import Backend

_SWITCH_S: Final = 0.001
"""A thread that computes, as for an export, gives way after this time; by default after 5 ms, for
which the event loop would wait dozens of times in a request."""
_BACKLOG: Final = 4096
"""Clients that may wait in the kernel until they are accepted."""


def serve(  # noqa: PLR0913  (one argument per option of the command)
    backend: Backend,
    *,
    host: str,
    port: int,
    prefix: str = "/",
    sign_in: bool | None = None,
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C.

    sign_in: None: on loopback the owner signs in by a link, and users may; beyond it, users do.
    True: users sign in on loopback too, under any host name, as behind a proxy. False: nobody
    does, which is allowed on loopback only. announce: called when the server answers.

    Raises SettingsError if nobody could sign in, if MOODLINE_DASHBOARD_PASSWORD is easy to guess,
    if the server cannot listen on the address, or if the settings name a certificate and key that
    cannot be used.
    """
    for_users = sign_in or not is_loopback(host)
    settings = backend.settings
    check_sign_in(backend.engine, settings.dashboard_password, host, sign_in)
    tls = tls_context(settings.dashboard_tls_cert, settings.dashboard_tls_key)
    app = create_app(backend, prefix=prefix, sign_in=sign_in is not False, any_host=for_users)
    with _listening(host, port) as listener:
        sys.setswitchinterval(_SWITCH_S)
        spare_loaded_objects()
        server = http_server(app, proxies=settings.dashboard_proxies, tls=tls, announce=announce)
        server.run(sockets=[listener])


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        ((family, _, _, _, address), *_) = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, OverflowError, UnicodeError) as exc:
        raise SettingsError(
            f"the dashboard cannot listen on {host}:{port}: {getattr(exc, 'strerror', '') or exc}",
            hint="Another program may use the port: choose another with --port",
        ) from exc
    with listener:
        yield listener
