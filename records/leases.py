"""Leases: a role that one process holds at a time, and that another takes over if it dies."""

from datetime import timedelta

from sqlalchemy import Connection, Engine, delete, select, update

from contracts.times import utc_now
from records.database import transaction
from records.tables.operations import Lease
from records.upsert import upsert
from runtime.process_identity import claim_is_alive


def acquire_lease(engine: Engine, name: str, *, holder: str, lease_s: float) -> bool:
    """Take or renew the lease; return False while another, living process holds it.

    A holder that died on this host loses the lease at once; one on another host loses it when the
    lease expires. Raises DatabaseError.
    """
    with transaction(engine) as connection:
        until = utc_now() + timedelta(seconds=lease_s)
        new_lease = upsert(connection, Lease).values(name=name, holder=holder, expires_at=until)
        connection.execute(new_lease.on_conflict_do_nothing())
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
    """Return whether `holder` has the lease, and lock it until the transaction ends."""
    found = connection.execute(
        select(Lease.holder, Lease.expires_at).where(Lease.name == name).with_for_update()
    ).first()
    return found is not None and found.holder == holder and found.expires_at > utc_now()


def lease_holder(connection: Connection, name: str) -> str | None:
    """Return the living process that holds the lease, or None."""
    found = connection.execute(
        select(Lease.holder, Lease.expires_at).where(Lease.name == name)
    ).first()
    if found is None or not claim_is_alive(found.holder, found.expires_at):
        return None
    return str(found.holder)


def release_lease(engine: Engine, name: str, *, holder: str) -> None:
    """Give the lease up, so that another process can take it at once. Raises DatabaseError."""
    with transaction(engine) as connection:
        connection.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))
