"""The open connections of a server, in bounded number: in all, and by address."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Limit(StrEnum):
    """The limit that a new connection reached. NONE: there was a place for it."""

    NONE = ""
    IN_ALL = "connections in all"
    OF_ADDRESS = "connections of one address"


@dataclass(eq=False, slots=True)
class Connection:
    """One client. address: its IP address. drop: closes it at once, without an answer."""

    address: str
    drop: Callable[[], object]


@dataclass(slots=True)
class ConnectionTable:
    """The open connections. While it is full, a new client replaces the one that waits longest.

    A client waits until its request has arrived. An honest one sends it within milliseconds of
    connecting; one that trickles it, or sends nothing, is therefore the first to be dropped.

    most: connections in all. most_of_one: of one address. is_shared: whether many people may come
    from an address, as through a proxy; such an address has no limit of its own.
    """

    most: int
    most_of_one: int
    is_shared: Callable[[str], bool] = lambda _address: False
    _open: set[Connection] = field(default_factory=set)
    _by_address: Counter[str] = field(default_factory=Counter)
    _waiting: OrderedDict[Connection, None] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._open)

    def add(self, address: str, drop: Callable[[], object]) -> tuple[Connection | None, Limit]:
        """Add a client that waits, and return it with the limit that it reached.

        With a limit, another client was dropped for it; or, where all others are being answered,
        there is no place and the result is None.
        """
        limit = self._limit_reached(address)
        if limit:
            loser = next((one for one in self._waiting if _may_drop(one, limit, address)), None)
            if loser is None:
                return None, limit
            self.remove(loser)
            loser.drop()
        connection = Connection(address, drop)
        self._open.add(connection)
        self._by_address[address] += 1
        self._waiting[connection] = None
        return connection, limit

    def remove(self, connection: Connection) -> None:
        """Forget a client; do nothing if it is unknown."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        self._waiting.pop(connection, None)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    def drop_all(self) -> None:
        """Drop all clients, as the server ends."""
        for one in tuple(self._open):
            self.remove(one)
            one.drop()

    def note_waiting(self, connection: Connection) -> None:
        """Note that the client has its answer, and may send another request."""
        if connection in self._open:
            self._waiting[connection] = None
            self._waiting.move_to_end(connection)

    def note_answering(self, connection: Connection) -> None:
        """Note that the client's request has arrived: it is not dropped for others."""
        self._waiting.pop(connection, None)

    def _limit_reached(self, address: str) -> Limit:
        if not self.is_shared(address) and self._by_address[address] >= self.most_of_one:
            return Limit.OF_ADDRESS
        return Limit.IN_ALL if len(self._open) >= self.most else Limit.NONE


def _may_drop(connection: Connection, limit: Limit, address: str) -> bool:
    return limit is Limit.IN_ALL or connection.address == address
