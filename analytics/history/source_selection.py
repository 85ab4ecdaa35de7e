"""Which sources a question is about: by name, by tag, or all."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, select

from analytics.snapshots import snapshot
from contracts.errors import SourceNotFoundError
from records.tables.sources import Source

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


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """All sources with a tag, as one. Its name is the tag."""

    name: str
    sources: tuple[HistorySource, ...]

    @property
    def generated(self) -> bool:
        """Whether any of it was made up."""
        return any(one.generated for one in self.sources)

    @property
    def removed(self) -> bool:
        """Whether nobody reads any of them any more."""
        return all(one.removed for one in self.sources)

    @property
    def shown_name(self) -> str:
        """The tag, with how many that are, and how many of them were made up."""
        count, made_up = len(self.sources), sum(one.generated for one in self.sources)
        text = f"{count} source{'' if count == 1 else 's'}"
        if made_up:
            text += f", {'' if made_up == count else f'{made_up} '}generated"
        return f"tag {self.name} ({text})"


def series_of(
    selected: Sequence[HistorySource],
    names: Sequence[str] = (),
    tags: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> tuple[list[HistorySource], list[SourceGroup]]:
    """What is shown of selected sources: some as they are, and the groups, which are tags.

    A source may be in both. Without groups all of them are shown as they are.
    """
    if not groups:
        return [*selected], []
    alone = [one for one in selected if one.name in names or set(tags) & set(one.tags)]
    return alone, [
        SourceGroup(tag, tuple(one for one in selected if tag in one.tags))
        for tag in dict.fromkeys(groups)
    ]


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
