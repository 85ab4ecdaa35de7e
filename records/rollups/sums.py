"""Writes to the rollups: mark minutes for recomputation, and add sums."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from records.tables.rollups import SUMS, DirtyWindow, rollups
from records.upsert import upsert, upsert_for_dialect

if TYPE_CHECKING:
    from records.upsert import Upsert


def mark_dirty(connection: Connection, source_pk: int, minutes: Iterable[int], token: int) -> None:
    """Mark minutes of a source for recomputation, in the transaction that changes their rows.

    minutes: window starts in UTC microseconds. token: a random number, new with each change.
    """
    # Sorted: two transactions that lock rows in the same order cannot deadlock.
    rows = [
        {"source_pk": source_pk, "start": start, "token": token} for start in sorted(set(minutes))
    ]
    if rows:
        connection.execute(_mark_dirty_statement(connection.dialect.name), rows)


def add_sums(connection: Connection, rows: Sequence[Mapping[str, int | datetime]]) -> None:
    """Add to rollup rows, which start at zero.

    rows: values by column name, with the primary key and `folded_at`. All have the same keys.
    """
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


@cache  # A worker executes it with every commit.
def _mark_dirty_statement(dialect: str) -> "Upsert":
    statement = upsert_for_dialect(dialect, DirtyWindow)
    return statement.on_conflict_do_update(
        index_elements=["source_pk", "start"], set_={"token": statement.excluded.token}
    )
