"""Former names of renamed sources: links, saved views and commands that have one go on to work.

A source that has the name now comes first.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from records.tables.sources import FormerName, Source


def current_names(connection: Connection, names: Iterable[str]) -> Mapping[str, str]:
    """Return the present name of each source, by the name that was given."""
    asked = list(dict.fromkeys(names))
    if not asked:
        return {}
    present = Source.__table__.alias("present")
    renamed = (
        select(FormerName.name, Source.name.label("now"))
        .join(Source, Source.id == FormerName.source_pk)
        .where(
            FormerName.name.in_(asked),
            ~select(present.c.id).where(present.c.name == FormerName.name).exists(),
        )
    )
    found = {row.name: row.now for row in connection.execute(renamed)}
    return {name: found.get(name, name) for name in asked}


def current_name(connection: Connection, name: str) -> str:
    """Return the present name of a source."""
    return current_names(connection, [name])[name]
