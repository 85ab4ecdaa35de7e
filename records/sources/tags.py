"""Tags of a recording's source, by which Trends groups sources."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select, update

from records.json_columns import decode_tags, encode_tags
from records.tables.runs import Run
from records.tables.sources import Source

_MOST_TAGS: Final = 50


def add_tags(connection: Connection, run_pk: int, tags: Sequence[str]) -> None:
    """Add tags to the source of a run; those that it has stay."""
    if not tags:
        return
    source = connection.execute(
        select(Source.id, Source.tags)
        .join(Run, Run.source_pk == Source.id)
        .where(Run.id == run_pk)
        .with_for_update(of=Source)
    ).one()
    known = decode_tags(source.tags)
    both = tuple(dict.fromkeys((*known, *tags)))[:_MOST_TAGS]
    if both != known:
        connection.execute(
            update(Source).where(Source.id == source.id).values(tags=encode_tags(both))
        )
