"""Removed sums: the rollup part of a run that keeps the sums of rows that retention removed."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from analytics.history.row_sums import MinuteSums
from contracts.times import MICROS
from records.rollups.sums import add_sums
from records.rollups.windows import MINUTE_S, QUARTER_S, WIDTHS, window_start
from records.tables.rollups import SUMS, rollups

_ABOVE_MINUTES: Final = WIDTHS[1:]


def add_removed_sums(
    connection: Connection, run_pk: int, minutes: MinuteSums, finished_at: datetime | None
) -> None:
    """Add the sums of rows about to be removed to the run's part, at every width.

    The caller holds `lock_rollups`.
    """
    for (source_pk, start), sums in minutes.items():
        row = {"source_pk": source_pk, "start": start, "part": run_pk, "folded_at": finished_at}
        add_sums(connection, _at_widths(row | {"tracks_carried": 0} | sums, WIDTHS))


def removed_frames(
    connection: Connection, run_pk: int, source_pk: int, since_us: int, until_us: int
) -> int:
    """Return the number of frames in the run's part, for whole quarters of an hour."""
    return int(
        connection.execute(
            select(func.coalesce(func.sum(rollups.c.frames), 0)).where(
                rollups.c.source_pk == source_pk,
                rollups.c.part == run_pk,
                rollups.c.width_s == QUARTER_S,
                rollups.c.start >= window_start(since_us, QUARTER_S),
                rollups.c.start < until_us,
            )
        ).scalar_one()
    )


def erase_removed_sums(
    connection: Connection, run_pk: int, source_pk: int, since_us: int, until_us: int
) -> None:
    """Subtract the run's part in this range from every width.

    Whole minutes, or whole quarters of an hour where retention removed the minutes. The caller
    holds `lock_rollups`.
    """
    part = (rollups.c.source_pk == source_pk, rollups.c.part == run_pk)
    since_us = max(since_us, -(2**62))
    minutes = _rows(connection, part, MINUTE_S, since_us, until_us)
    kept = set(
        connection.execute(
            select(rollups.c.start).where(
                *part,
                rollups.c.width_s == MINUTE_S,
                rollups.c.start >= window_start(since_us, QUARTER_S),
                rollups.c.start < until_us + QUARTER_S * MICROS,
            )
        ).scalars()
    )
    with_minutes = {window_start(start, QUARTER_S) for start in kept}
    quarters = [
        row
        for row in _rows(connection, part, QUARTER_S, since_us, until_us)
        if row["start"] not in with_minutes
    ]
    for row in minutes:
        add_sums(connection, _at_widths(_negative(row), _ABOVE_MINUTES))
    for row in quarters:
        add_sums(connection, _at_widths(_negative(row), WIDTHS[2:]))
    for width_s, rows in ((MINUTE_S, minutes), (QUARTER_S, quarters)):
        for row in rows:
            connection.execute(
                delete(rollups).where(
                    *part, rollups.c.width_s == width_s, rollups.c.start == row["start"]
                )
            )
    total = sum((rollups.c[name] for name in SUMS), start=rollups.c[SUMS[0]] * 0)
    connection.execute(delete(rollups).where(*part, total == 0))


def _rows(
    connection: Connection, part: Any, width_s: int, since_us: int, until_us: int
) -> list[dict[str, Any]]:
    """Read the part's rows of one width whose window overlaps [since, until)."""
    found = connection.execute(
        select(rollups).where(
            *part,
            rollups.c.width_s == width_s,
            rollups.c.start > since_us - width_s * MICROS,
            rollups.c.start < until_us,
        )
    )
    return [dict(row) for row in found.mappings()]


def _negative(row: dict[str, Any]) -> dict[str, Any]:
    return {name: -value if name in SUMS else value for name, value in row.items()}


def _at_widths(row: dict[str, Any], widths: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return the row of one window as it is added to each window that contains it.

    Carried tracks count only in windows that begin at the same moment.
    """
    rows = []
    for width_s in widths:
        start = window_start(row["start"], width_s)
        carried = row["tracks_carried"] if start == row["start"] else 0
        rows.append(row | {"width_s": width_s, "start": start, "tracks_carried": carried})
    return rows
