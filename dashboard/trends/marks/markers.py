"""The markers in a range, about the sources of a view."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from analytics.history.source_selection import HistorySource, SourceGroup
from records.markers import MarkerFilter, StoredMarker, list_markers

_MOST: Final = 300


def markers_in(
    connection: Connection, names: Collection[str], span: tuple[datetime, datetime]
) -> tuple[StoredMarker, ...]:
    """Return the markers of these sources, and of all sources, in the order of their begin.

    names: of the sources. Of more than 300 markers, the first ones are returned.
    """
    found = list_markers(connection, MarkerFilter(*span), limit=_MOST)
    return tuple(one for one in found if one.source is None or one.source in names)


def markers_of(
    markers: Sequence[StoredMarker], series: HistorySource | SourceGroup | None
) -> tuple[StoredMarker, ...]:
    """Return the markers of one chart. series: None for all sources together."""
    if series is None:
        return tuple(markers)
    sources = series.sources if isinstance(series, SourceGroup) else (series,)
    names = {one.name for one in sources}
    return tuple(one for one in markers if one.source is None or one.source in names)
