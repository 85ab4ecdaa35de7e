"""The choice of a view: which of its sources and tags exist."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.history.source_selection import HistorySource, present_names
from dashboard.language.words import _, n_
from dashboard.trends.view import View


@dataclass(frozen=True, slots=True)
class Choice:
    """The existing sources and tags of a view, and a note on the missing ones.

    pks: the keys of all its sources.
    """

    names: tuple[str, ...]
    tags: tuple[str, ...]
    notes: tuple[str, ...]
    pks: tuple[int, ...]


def choose(known: Sequence[HistorySource], view: View) -> Choice:
    """Return the view's sources and tags that exist. If none do, the view is of all sources."""
    all_names, all_tags = {one.name for one in known}, {tag for one in known for tag in one.tags}
    wanted = present_names(known, view.sources)
    names = tuple(name for name in wanted if name in all_names)
    tags = tuple(tag for tag in view.tags if tag in all_tags)
    missing = [
        _("There is no source “{name}”", name=name[:40]) for name in wanted if name not in all_names
    ]
    missing += [
        _("There is no tag “{tag}”", tag=tag[:40]) for tag in view.tags if tag not in all_tags
    ]
    pks = tuple(
        one.pk
        for one in known
        if one.name in names or set(tags) & set(one.tags) or not (names or tags)
    )
    if not missing:
        return Choice(names, tags, (), pks)
    more = len(missing) - 1
    absent = missing[0]
    if more:
        absent = n_(
            "{absent}, and {count} more is missing",
            "{absent}, and {count} more are missing",
            more,
            absent=absent,
        )
    shown = _("Showing the others.") if names or tags else _("Showing all sources.")
    return Choice(names, tags, (f"{absent}. {shown}",), pks)
