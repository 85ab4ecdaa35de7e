"""Source selection: sources by name, by tag, or all; and their grouping by tag."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from contracts.errors import SourceNotFoundError
from records.json_columns import decode_tags
from records.sources.former_names import current_names
from records.tables.sources import FormerName, Source
from runtime.visible_text import visible

MAX_SOURCES: Final = 1000
GENERATED: Final = "generated"
"""The tag of sources whose history was generated, not measured."""


@dataclass(frozen=True, slots=True)
class HistorySource:
    """A source that has history. removed: it is no longer read. former_names: before renamings."""

    pk: int
    name: str
    kind: str
    tags: tuple[str, ...]
    removed: bool
    former_names: tuple[str, ...] = ()

    @property
    def generated(self) -> bool:
        """Whether its history was generated: every view must mark it."""
        return GENERATED in self.tags

    @property
    def display_name(self) -> str:
        """The name as it is shown, marked if the history was generated."""
        name = visible(self.name)
        return f"{name} (generated)" if self.generated else name


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """All sources with one tag, combined. name: the tag."""

    name: str
    sources: tuple[HistorySource, ...]

    @property
    def generated(self) -> bool:
        """Whether any source's history was generated."""
        return any(one.generated for one in self.sources)

    @property
    def removed(self) -> bool:
        """Whether all its sources are removed."""
        return all(one.removed for one in self.sources)

    @property
    def display_name(self) -> str:
        """The tag with the number of its sources and of the generated ones."""
        count, generated = len(self.sources), sum(one.generated for one in self.sources)
        text = f"{count} source{'' if count == 1 else 's'}"
        if generated:
            text += f", {'' if generated == count else f'{generated} '}generated"
        return f"tag {visible(self.name)} ({text})"


def sources_of(series: HistorySource | SourceGroup) -> tuple[HistorySource, ...]:
    """Return the sources of a series: itself, or those with the tag."""
    return series.sources if isinstance(series, SourceGroup) else (series,)


def split_series(
    selected: Sequence[HistorySource],
    names: Sequence[str] = (),
    tags: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> tuple[list[HistorySource], list[SourceGroup]]:
    """Return the sources that are a series each, and the groups, which are one series each.

    A source can be in both. Without groups, every source is a series.
    """
    if not groups:
        return [*selected], []
    names = present_names(selected, names)
    single = [one for one in selected if one.name in names or set(tags) & set(one.tags)]
    return single, [
        SourceGroup(tag, tuple(one for one in selected if tag in one.tags))
        for tag in dict.fromkeys(groups)
    ]


def present_names(known: Sequence[HistorySource], names: Iterable[str]) -> tuple[str, ...]:
    """Return the names with those that sources of `known` had before replaced by their own."""
    own = {one.name for one in known}
    renamed = {former: one.name for one in known for former in one.former_names}
    return tuple(dict.fromkeys(name if name in own else renamed.get(name, name) for name in names))


def history_sources(
    connection: Connection, *, within: Collection[int] | None = None
) -> tuple[HistorySource, ...]:
    """Return all sources by name, at most MAX_SOURCES. within: as in `select_sources`."""
    return tuple(select_sources(connection, within=within))


def select_sources(
    connection: Connection,
    names: Sequence[str] = (),
    tags: Sequence[str] = (),
    *,
    within: Collection[int] | None = None,
) -> list[HistorySource]:
    """Return the sources with one of the names or tags, or all; at most MAX_SOURCES.

    A former name of a source will do. within: the keys of the only sources that exist for the
    asker; None for all.
    Raises SourceNotFoundError if no source has a given name or tag.
    """
    present = current_names(connection, names)
    names = list(present.values())
    former = _former_names(connection)
    query = select(Source.id, Source.name, Source.kind, Source.tags, Source.removed_at)
    if within is not None:
        query = query.where(Source.id.in_(within))
    if names and not tags:
        query = query.where(Source.name.in_(names))
    found = [
        HistorySource(
            row.id,
            row.name,
            row.kind,
            decode_tags(row.tags),
            row.removed_at is not None,
            former.get(row.id, ()),
        )
        for row in connection.execute(query.order_by(Source.name).limit(MAX_SOURCES))
    ]
    found_names = {one.name for one in found}
    # By the name that was asked for: the present one may be of a source that the asker cannot see.
    _check({asked for asked, name in present.items() if name not in found_names}, "source")
    _check(set(tags) - {tag for one in found for tag in one.tags}, "tag")
    if not names and not tags:
        return found
    return [one for one in found if one.name in names or set(tags) & set(one.tags)]


def _former_names(connection: Connection) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(select(FormerName.name, FormerName.source_pk)):
        found[row.source_pk] = (*found.get(row.source_pk, ()), row.name)
    return found


def _check(missing: set[str], what: str) -> None:
    if missing:
        raise SourceNotFoundError(
            f"no {what} {min(missing)!r}", hint="List the sources with `moodline status`"
        )
