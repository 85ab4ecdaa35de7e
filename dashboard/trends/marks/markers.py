"""The markers in a range, about the sources of a view."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from analytics.history.source_selection import HistorySource, SourceGroup, sources_of
from records.markers import MarkerFilter, StoredMarker, list_markers

_MOST: Final = 300


def markers_in(
    connection: Connection, source_pks: Sequence[int], span: tuple[datetime, datetime]
) -> tuple[StoredMarker, ...]:
    """Return the markers of these sources, and of all sources, in the order of their begin.

    Of more than 300 markers, the first ones are returned.
    """
    wanted = MarkerFilter(*span, sources=source_pks, general=True)
    return tuple(list_markers(connection, wanted, limit=_MOST))


def markers_of(
    markers: Sequence[StoredMarker], series: HistorySource | SourceGroup | None
) -> tuple[StoredMarker, ...]:
    """Return the markers of one chart. series: None for all sources together."""
    if series is None:
        return tuple(markers)
    names = {one.name for one in sources_of(series)}
    return tuple(one for one in markers if one.source is None or one.source in names)
