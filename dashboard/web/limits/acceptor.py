"""The acceptor: takes connections from a listening socket, within the limits of a table."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from dashboard.web.limits.deadlines import DeadlineProtocol, check_deadlines
from runtime.connections import Connection, ConnectionTable
from runtime.rare_log import RareLog

_HANDSHAKE_S: Final = 10.0
_RETRY_S: Final = 0.1
_MOST_UNSENT_BYTES: Final = 131_072
"""Bytes that the kernel holds of an answer that its client leaves unread; else it is megabytes."""
_AT_ONCE: Final = 100
"""Clients that are accepted before the others are served again."""

ProtocolFactory = Callable[[Connection], DeadlineProtocol]


class Acceptor:
    """Accepts until `close`. A client counts from its first packet, before any TLS handshake."""

    def __init__(
        self,
        listener: socket.socket,
        table: ConnectionTable,
        new_protocol: ProtocolFactory,
        tls: ssl.SSLContext | None,
        rare_log: RareLog,
    ) -> None:
        self._listener = listener
        self._table = table
        self._new_protocol = new_protocol
        self._tls = tls
        self._log = rare_log
        self._openings: set[asyncio.Task[None]] = set()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self, protocols: Iterable[Any]) -> None:
        """Accept in a task of the running loop, and check the open protocols in another."""
        self._listener.setblocking(False)
        loop = asyncio.get_running_loop()
        accepting = loop.create_task(self._accept())
        self._tasks = accepting, loop.create_task(check_deadlines(protocols))

    def close(self) -> None:
        """Accept no more. Open connections stay, with their deadlines."""
        self._tasks[0].cancel()
        for one in self._openings:
            one.cancel()

    async def wait_closed(self) -> None:
        """Stop checking the deadlines: all connections have ended."""
        self._tasks[1].cancel()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, address = await loop.sock_accept(self._listener)
            except OSError as exc:  # No file descriptor is free, or the client has gone.
                self._log.warn("a connection was not accepted", reason=exc.strerror)
                await asyncio.sleep(_RETRY_S)
                continue
            self._begin(client, str(address[0]))
            # One wait for many clients: the loop may have much else to do before the next one.
            with suppress(OSError):
                for _ in range(_AT_ONCE):
                    client, address = self._listener.accept()
                    client.setblocking(False)
                    self._begin(client, str(address[0]))

    def _begin(self, client: socket.socket, address: str) -> None:
        opening = asyncio.get_running_loop().create_task(self._open(client, address))
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)

    async def _open(self, client: socket.socket, address: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection, limit = self._table.add(address, task.cancel)
        if limit:
            self._log.warn("connections were dropped", limit=str(limit), address=address)
        if connection is None:
            client.close()
            return
        protocol = self._new_protocol(connection)
        try:
            with suppress(OSError, TimeoutError, ssl.SSLError):
                await self._connect(client, connection, protocol)
        finally:
            if protocol.transport is None:
                self._table.remove(connection)
                client.close()

    async def _connect(
        self, client: socket.socket, connection: Connection, protocol: DeadlineProtocol
    ) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT_BYTES)
        handshake_s = _HANDSHAKE_S if self._tls is not None else None
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
            lambda: protocol, client, ssl=self._tls, ssl_handshake_timeout=handshake_s
        )
        connection.drop = transport.abort
