"""Counts of a run's frames that were not analysed, by cause."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row, func, select

from contracts.frames import DropCause
from records.json_columns import decode_drop_counts
from records.tables.runs import DeadLetter, Run

POISON: Final = (
    select(func.count())
    .where(DeadLetter.run_pk == Run.id)
    .correlate(Run)
    .scalar_subquery()
    .label("poison")
)
"""The number of a Run's dead letters, as a column."""


def dropped_by_cause(row: Row[Any]) -> Mapping[str, int]:
    """Combine the counts of the reader, the workers and erasures.

    row: has the columns dropped (JSON of the reader's counts), broker_lost, poison and erased.
    """
    counts = {
        DropCause.BROKER_LOST: row.broker_lost,
        DropCause.POISON: row.poison,
        "erased": row.erased,
    }
    return decode_drop_counts(row.dropped) | {
        str(cause): count for cause, count in counts.items() if count
    }
