"""Leases in SQL: what one process at a time may be, and takes over when that one dies."""

from datetime import timedelta

from sqlalchemy import Connection, Engine, delete, select, update

from contracts.times import utc_now
from records.database import transaction
from records.tables.operations import Lease
from records.upsert import upsert
from runtime.process_identity import claim_is_alive


def take_lease(engine: Engine, name: str, *, holder: str, lease_s: float) -> bool:
    """Take or renew it; False while another, living process has it.

    One that died on this host is seen at once; one of another host when its lease runs out.
    Raises DatabaseError.
    """
    with transaction(engine) as connection:
        until = utc_now() + timedelta(seconds=lease_s)
        made = upsert(connection, Lease).values(name=name, holder=holder, expires_at=until)
        connection.execute(made.on_conflict_do_nothing())
        found = connection.execute(
            select(Lease.holder, Lease.expires_at).where(Lease.name == name).with_for_update()
        ).one()
        if found.holder != holder and claim_is_alive(found.holder, found.expires_at):
            return False
        connection.execute(
            update(Lease).where(Lease.name == name).values(holder=holder, expires_at=until)
        )
    return True


def holds_lease(connection: Connection, name: str, holder: str) -> bool:
    """Whether the lease is this holder's, now and until the transaction ends."""
    found = connection.execute(
        select(Lease.holder, Lease.expires_at).where(Lease.name == name).with_for_update()
    ).first()
    return found is not None and found.holder == holder and found.expires_at > utc_now()


def active_holder(connection: Connection, name: str) -> str | None:
    """The living process that has the lease; None where none has."""
    found = connection.execute(
        select(Lease.holder, Lease.expires_at).where(Lease.name == name)
    ).first()
    if found is None or not claim_is_alive(found.holder, found.expires_at):
        return None
    return str(found.holder)


def give_lease_up(engine: Engine, name: str, *, holder: str) -> None:
    """Let another have it at once. Raises DatabaseError."""
    with transaction(engine) as connection:
        connection.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))
