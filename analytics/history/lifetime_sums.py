"""Lifetime sums: all that is stored of each live source, and of all recordings together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, case, func, select

from analytics.history.measures import Measures, measures_from_sums
from contracts.runs import RunKind
from records.rollup_windows import DAY_S
from records.tables.rollups import SUMS, rollups
from records.tables.sources import Source

MAX_SOURCES: Final = 500


@dataclass(frozen=True, slots=True)
class LifetimeSums:
    """live: by source name, at most MAX_SOURCES that were not removed. recordings: together."""

    live: Mapping[str, Measures]
    recordings: Measures


def lifetime_sums(connection: Connection) -> LifetimeSums:
    """Return the sums of the rollups that are stored now. They shrink by retention and erasure."""
    live = case((Source.kind == RunKind.LIVE, Source.id), else_=0)
    # tracks_carried has no meaning over several windows, and is not used.
    sums = [func.sum(rollups.c[name]).label(name) for name in SUMS]
    query = (
        select(live.label("live"), func.max(Source.name).label("name"), *sums)
        .join(rollups, rollups.c.source_pk == Source.id)
        .where(
            rollups.c.width_s == DAY_S,
            (Source.kind != RunKind.LIVE) | Source.removed_at.is_(None),
        )
        .group_by(live)
        .order_by(live)
        .limit(MAX_SOURCES + 1)
    )
    found, recordings = {}, measures_from_sums({})
    for row in connection.execute(query).mappings():
        measures = measures_from_sums({name: int(row[name] or 0) for name in SUMS})
        if row["live"]:
            found[row["name"]] = measures
        else:
            recordings = measures
    return LifetimeSums(found, recordings)
