"""Claims on live sources: one process supervises a source at a time."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine, update

from contracts.live_sources import LiveSource
from contracts.times import utc_now
from records.database import reading, transaction
from records.locks import lock_queue
from records.sources.live_sources import CURRENT_SOURCES, live_source_of
from records.tables.sources import Source
from runtime.process_identity import claim_is_alive


@dataclass(frozen=True, slots=True)
class SupervisorIdentity:
    """A supervising process, its host, and how long a claim holds without renewal."""

    name: str
    host: str
    lease_s: float


def claim_sources(
    engine: Engine, supervisor: SupervisorIdentity, *, renew: bool
) -> list[LiveSource]:
    """Claim the sources that no living process supervises, and return all of this supervisor's.

    renew: also extend the claims that it has. Writes only if there is something to write.
    """
    with reading(engine) as connection:
        claimed, free = _claimed_and_free(connection, supervisor)
    if free or (renew and claimed):
        with transaction(engine) as connection:
            lock_queue(connection)
            claimed, free = _claimed_and_free(connection, supervisor)
            connection.execute(
                update(Source)
                .where(Source.id.in_([source.pk for source in (*claimed, *free)]))
                .values(
                    claimed_by=supervisor.name,
                    claim_expires_at=utc_now() + timedelta(seconds=supervisor.lease_s),
                )
            )
    return [*claimed, *free]


def release_sources(engine: Engine, supervisor: str) -> None:
    """Give up every claim of a supervisor, so that another can take the sources at once."""
    with transaction(engine) as connection:
        connection.execute(
            update(Source)
            .where(Source.claimed_by == supervisor)
            .values(claimed_by=None, claim_expires_at=None)
        )


def _claimed_and_free(
    connection: Connection, supervisor: SupervisorIdentity
) -> tuple[list[LiveSource], list[LiveSource]]:
    """Return the supervisor's sources, and those that it may claim."""
    claimed, free = [], []
    for row in connection.execute(CURRENT_SOURCES.order_by(Source.id)):
        if row.host not in (None, supervisor.host):
            continue
        if row.claimed_by == supervisor.name:
            claimed.append(live_source_of(row))
        elif not claim_is_alive(row.claimed_by, row.claim_expires_at):
            free.append(live_source_of(row))
    return claimed, free
