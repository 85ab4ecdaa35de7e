"""Writes to rollups: mark minutes for re-computation, and add sums."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
)

from records.tables.rollups import SUMS, DirtyWindow, rollups
from records.upsert import upsert, upsert_of


def mark_dirty(connection: Connection, source_pk: int, minutes: Iterable[int], token: int) -> None:
    """Say that these minutes of the source are to be rolled up again.

    Part of the transaction that changes their rows. In order: two never wait for each other.
    """
    rows = [
        {"source_pk": source_pk, "start": start, "token": token} for start in sorted(set(minutes))
    ]
    if not rows:
        return
    connection.execute(_marking(connection.dialect.name), rows)


@cache
def _marking(dialect: str) -> Any:
    """Built once: a worker executes it with each commit."""
    statement = upsert_of(dialect, DirtyWindow)
    return statement.on_conflict_do_update(
        index_elements=["source_pk", "start"], set_={"token": statement.excluded.token}
    )


def add_sums(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add to rollup rows, which begin at zero. All rows have the same keys."""
    if not rows:
        return
    statement = upsert(connection, rollups)
    new = statement.excluded
    sums = {name: rollups.c[name] + new[name] for name in rows[0] if name in SUMS}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source_pk", "width_s", "start", "part"],
            set_=sums | {"folded_at": new.folded_at},
        ),
        list(rows),
    )
