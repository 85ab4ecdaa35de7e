"""The HTTP server: uvicorn on h11, behind an acceptor with limits and deadlines."""

import asyncio
import resource
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from dashboard.web.limits.acceptor import Acceptor
from dashboard.web.limits.deadlines import IDLE_S, MAX_HEAD_BYTES, DeadlineProtocol
from runtime.connections import Connection, ConnectionTable
from runtime.rare_log import RareLog

MAX_CONNECTIONS: Final = 800
MAX_OF_ADDRESS: Final = 100
"""Connections of one address that is not a trusted proxy's."""
_OTHER_FILES: Final = 200
"""File descriptors that the database, recordings and pipes may need beside the connections."""
_THREADS: Final = 24
"""Threads of `asyncio.to_thread`. By default there are six on two cores: as many as callbacks may
take, and the sessions of all requests are checked there."""
_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_S: Final = 5
_FINISH_S: Final = 1.0
"""At a stop, requests that take longer are cut off."""


def http_server(
    app: ASGIApp,
    *,
    proxies: Sequence[str] = (),
    tls: ssl.SSLContext | None = None,
    announce: Callable[[], None] = lambda: None,
) -> "HttpServer":
    """Return a server. proxies: addresses and networks whose X-Forwarded-* headers are trusted.

    announce: called when it answers.
    """
    config = uvicorn.Config(
        app,
        http=H11Protocol,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    table = ConnectionTable(_max_connections(), MAX_OF_ADDRESS, _shared_by_many(proxies))
    return HttpServer(config, table, tls, announce)


class HttpServer(uvicorn.Server):
    """uvicorn, with its own way to accept; it returns on a stop signal instead of raising it."""

    def __init__(
        self,
        config: uvicorn.Config,
        table: ConnectionTable,
        tls: ssl.SSLContext | None,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._table = table
        self._tls = tls
        self._announce = announce
        self._log = RareLog()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept on the given sockets."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS))
        new_protocol: Callable[[Connection], DeadlineProtocol] = partial(self._protocol, loop)
        acceptors: list[Any] = [
            Acceptor(one, self._table, new_protocol, self._tls, self._log) for one in sockets or ()
        ]
        for one in acceptors:
            one.start(self.server_state.connections)
        self.servers = acceptors
        self.started = True
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to accept, and let requests finish; event streams and downloads end after a second.

        uvicorn would cancel them after its grace, with a traceback for each.
        """
        ending = asyncio.create_task(self._end_long_answers())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    async def _end_long_answers(self) -> None:
        grace_s = self.config.timeout_graceful_shutdown or _GRACE_S
        await asyncio.sleep(min(_FINISH_S, grace_s / 2))
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def _protocol(
        self, loop: asyncio.AbstractEventLoop, connection: Connection
    ) -> DeadlineProtocol:
        return DeadlineProtocol(
            connection=connection,
            table=self._table,
            log=self._log,
            config=self.config,
            server_state=self.server_state,
            app_state={},
            _loop=loop,
        )

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


def _max_connections() -> int:
    """Return how many connections this process may have, after raising its limit of files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _OTHER_FILES
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft > resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(MAX_CONNECTIONS, max(soft - _OTHER_FILES, soft // 2))


def _shared_by_many(proxies: Sequence[str]) -> Callable[[str], bool]:
    networks = [ip_network(one, strict=False) for one in proxies]

    def is_proxy(address: str) -> bool:
        parsed = ip_address(address.partition("%")[0])
        return any(parsed in network for network in networks)

    return is_proxy
