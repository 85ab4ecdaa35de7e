"""The table of connections drops the client that waits longest, and never one that is served."""

import structlog

from runtime.connections import Connection, ConnectionTable, Limit
from runtime.rare_log import RareLog


class Clients:
    """Clients of a table, by number."""

    def __init__(self, table: ConnectionTable) -> None:
        self.table = table
        self.dropped: list[str] = []
        self.known: dict[str, Connection] = {}

    def add(self, name: str, address: str = "192.0.2.1") -> Limit:
        found, limit = self.table.add(address, lambda: self.dropped.append(name))
        if found is not None:
            self.known[name] = found
        return limit


def test_the_client_that_waits_longest_makes_room() -> None:
    clients = Clients(ConnectionTable(3, 99))
    for name in ("served", "slow", "idle"):
        assert clients.add(name) is Limit.NONE
    clients.table.note_answering(clients.known["served"])
    assert clients.add("new") is Limit.IN_ALL
    assert clients.dropped == ["slow"] and len(clients.table) == 3
    clients.table.note_waiting(clients.known["served"])
    clients.add("newer")
    assert clients.dropped == ["slow", "idle"], "served has waited for less time"


def test_a_client_is_refused_only_while_all_others_are_served() -> None:
    clients = Clients(ConnectionTable(2, 99))
    for name in ("one", "two"):
        clients.add(name)
        clients.table.note_answering(clients.known[name])
    assert clients.add("three") is Limit.IN_ALL
    assert "three" not in clients.known and not clients.dropped
    clients.table.remove(clients.known["one"])
    assert clients.add("four") is Limit.NONE


def test_an_address_has_a_limit_unless_many_share_it() -> None:
    clients = Clients(ConnectionTable(99, 2, is_shared=lambda one: one == "127.0.0.1"))
    for number in range(5):
        clients.add(f"a{number}", "192.0.2.1")
        clients.add(f"proxy{number}", "127.0.0.1")
    assert clients.dropped == ["a0", "a1", "a2"]
    assert clients.add("b", "192.0.2.2") is Limit.NONE


def test_removing_twice_changes_nothing() -> None:
    clients = Clients(ConnectionTable(9, 9))
    clients.add("one")
    for _ in range(2):
        clients.table.remove(clients.known["one"])
        clients.table.note_waiting(clients.known["one"])
    clients.add("two")
    clients.table.drop_all()
    assert clients.dropped == ["two"] and len(clients.table) == 0


def test_a_repeated_warning_is_one_line_in_ten_seconds() -> None:
    now = 0.0
    log = RareLog(lambda: now)
    with structlog.testing.capture_logs() as lines:
        for _ in range(1000):
            log.warn("slow", address="192.0.2.1")
        log.warn("other")
        now = 10.0
        log.warn("slow", address="192.0.2.2")
    assert [(one["event"], one["times"]) for one in lines] == [
        *(("slow", 1), ("other", 1), ("slow", 1000)),
    ]
