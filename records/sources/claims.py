"""Claims on live sources: each source is supervised by one process at a time."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, update

from contracts.live_sources import LiveSource
from contracts.times import utc_now
from records.database import reading, transaction
from records.locks import lock_queue
from records.sources.live_sources import LIVING, live_source_of
from records.tables.sources import Source
from runtime.process_identity import claim_is_alive


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who watches over sources, on which host, and for how long a claim holds unrenewed."""

    name: str
    host: str
    lease_s: float


def claim_sources(engine: Engine, claimant: Claimant, *, renew: bool) -> list[LiveSource]:
    """The sources that are this claimant's, with those that nobody else watches over.

    renew: its claims are extended, too. Writes only where there is something to write.
    """
    with reading(engine) as connection:
        mine, free = _shares(connection, claimant)
    if free or (renew and mine):
        with transaction(engine) as connection:
            lock_queue(connection)
            mine, free = _shares(connection, claimant)
            connection.execute(
                update(Source)
                .where(Source.id.in_([one.pk for one in (*mine, *free)]))
                .values(
                    claimed_by=claimant.name,
                    claim_expires_at=utc_now() + timedelta(seconds=claimant.lease_s),
                )
            )
    return [*mine, *free]


def release_sources(engine: Engine, claimant: str) -> None:
    """Give up every claim: another may watch over them at once."""
    with transaction(engine) as connection:
        connection.execute(
            update(Source)
            .where(Source.claimed_by == claimant)
            .values(claimed_by=None, claim_expires_at=None)
        )


def _shares(
    connection: Connection, claimant: Claimant
) -> tuple[list[LiveSource], list[LiveSource]]:
    """The sources that are the claimant's, and those that are nobody's and could be its own."""
    mine, free = [], []
    for row in connection.execute(LIVING.order_by(Source.id)):
        if row.host not in (None, claimant.host):
            continue
        if row.claimed_by == claimant.name:
            mine.append(live_source_of(row))
        elif not claim_is_alive(row.claimed_by, row.claim_expires_at):
            free.append(live_source_of(row))
    return mine, free
