"""Which sources a question is about: by name, by tag, or all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, select

from analytics.snapshots import snapshot
from contracts.errors import SourceNotFoundError
from contracts.records import Source

MOST_SOURCES: Final = 1000
GENERATED: Final = "generated"
"""The tag of sources whose history was made up."""


@dataclass(frozen=True, slots=True)
class HistorySource:
    """A source as history knows it. removed: nobody reads it any more."""

    pk: int
    name: str
    kind: str
    tags: tuple[str, ...]
    removed: bool

    @property
    def generated(self) -> bool:
        """Whether its history was made up: whoever shows it says so."""
        return GENERATED in self.tags

    @property
    def shown_name(self) -> str:
        """The name, with that mark."""
        return f"{self.name} (generated)" if self.generated else self.name


def history_sources(engine: Engine) -> tuple[HistorySource, ...]:
    """All sources by name, MOST_SOURCES at most."""
    with snapshot(engine) as connection:
        return tuple(select_sources(connection))


def select_sources(
    connection: Connection, names: Sequence[str] = (), tags: Sequence[str] = ()
) -> list[HistorySource]:
    """Those with one of the names or one of the tags; without either, all. At most MOST_SOURCES.

    Raises SourceNotFoundError for a name or a tag that no source has.
    """
    query = select(Source.id, Source.name, Source.kind, Source.tags, Source.removed_at)
    if names and not tags:
        query = query.where(Source.name.in_(names))
    found = [
        HistorySource(
            row.id, row.name, row.kind, tuple(json.loads(row.tags)), row.removed_at is not None
        )
        for row in connection.execute(query.order_by(Source.name).limit(MOST_SOURCES))
    ]
    _check(set(names) - {one.name for one in found}, "source")
    _check(set(tags) - {tag for one in found for tag in one.tags}, "tag")
    if not names and not tags:
        return found
    return [one for one in found if one.name in names or set(tags) & set(one.tags)]


def _check(missing: set[str], what: str) -> None:
    if missing:
        raise SourceNotFoundError(
            f"no {what} {min(missing)!r}", hint="`moodline status` shows the sources"
        )
