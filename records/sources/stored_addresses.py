"""Stored addresses of live sources: seals those that an earlier version left readable."""

from sqlalchemy import Engine, select, update

from contracts.redaction import redact
from records.database import reading, transaction
from records.sources.live_sources import CURRENT_SOURCES
from records.sources.sealing import Sealer
from records.tables.sources import Source


def readable_addresses(engine: Engine, sealer: Sealer) -> list[str]:
    """Return the names of the sources whose stored address would be sealed today."""
    with reading(engine) as connection:
        rows = connection.execute(CURRENT_SOURCES.order_by(Source.name)).all()
    return [row.name for row in rows if row.uri and sealer.is_secret(row.uri)]


def seal_stored_addresses(engine: Engine, sealer: Sealer) -> int:
    """Seal all addresses that would be sealed today; return how many.

    A running source is not opened again. Raises SettingsError if there is no usable key.
    """
    sealed = 0
    with transaction(engine) as connection:
        rows = connection.execute(select(Source.id, Source.uri).where(Source.uri.is_not(None)))
        for source_pk, uri in rows.all():
            if uri is None or not sealer.is_secret(uri):
                continue
            connection.execute(
                update(Source)
                .where(Source.id == source_pk, Source.uri == uri)
                .values(uri=sealer.seal(uri), shown_uri=redact(uri))
            )
            sealed += 1
    return sealed
