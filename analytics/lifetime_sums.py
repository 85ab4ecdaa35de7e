"""Lifetime sums: all that is stored of each live source, and of all recordings together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select

from analytics.history.measures import Measures, measures_from_sums
from contracts.runs import RunKind
from records.rollups.windows import DAY_S
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
    live = {
        row.id: row.name
        for row in connection.execute(
            select(Source.id, Source.name)
            .where(Source.kind == RunKind.LIVE, Source.removed_at.is_(None))
            .order_by(Source.id)
            .limit(MAX_SOURCES)
        )
    }
    # By the keys of sources: a join would scan the rollups of all widths.
    of_live = select(rollups.c.source_pk, *_sums()).where(
        rollups.c.source_pk.in_(live), rollups.c.width_s == DAY_S
    )
    recordings = select(Source.id).where(Source.kind != RunKind.LIVE)
    of_recordings = select(*_sums()).where(
        rollups.c.source_pk.in_(recordings), rollups.c.width_s == DAY_S
    )
    found = connection.execute(of_live.group_by(rollups.c.source_pk)).mappings()
    return LifetimeSums(
        {live[row["source_pk"]]: _measures(row) for row in found},
        _measures(connection.execute(of_recordings).mappings().one()),
    )


def _sums() -> Sequence[ColumnElement[int]]:
    # tracks_carried has no meaning over several windows, and is not used.
    return [func.sum(rollups.c[name]).label(name) for name in SUMS]


def _measures(row: RowMapping) -> Measures:
    return measures_from_sums({name: int(row[name] or 0) for name in SUMS})
