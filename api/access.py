"""The sources that the asker may see: a token limited to sources sees nothing of others."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from contracts.errors import NotAllowedError, SourceNotFoundError
from records.sources.former_names import current_name
from records.tables.sources import Source
from serving.access import current_account


def visible_sources() -> frozenset[int] | None:
    """Return the keys of the only sources that the asker sees; None for all."""
    return current_account().sources


def visible_names(connection: Connection) -> Collection[str] | None:
    """Return the names of the only sources that the asker sees; None for all."""
    within = visible_sources()
    if within is None:
        return None
    return set(connection.scalars(select(Source.name).where(Source.id.in_(within))))


def require_source(connection: Connection, name: str) -> str:
    """Return the present name of a source. Raises SourceNotFoundError if the asker sees none."""
    return _source(connection, name)[0]


def require_source_key(connection: Connection, name: str) -> int:
    """Return the key of a source. Raises SourceNotFoundError if the asker sees none."""
    return _source(connection, name)[1]


def _source(connection: Connection, name: str) -> tuple[str, int]:
    present = current_name(connection, name)
    pk = connection.execute(select(Source.id).where(Source.name == present)).scalar()
    within = visible_sources()
    if pk is None or (within is not None and pk not in within):
        raise SourceNotFoundError(f"no source {name!r}")
    return present, pk


def require_all_sources() -> None:
    """Raise NotAllowedError for a token that is limited to sources."""
    if visible_sources() is not None:
        raise NotAllowedError(
            "this token is limited to sources, and this is of all of them",
            hint="Make a token without --source",
        )
