"""Facts about recordings that the numbers of a range do not show: copies, and new ones outside."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, func, or_, select, type_coerce

from contracts.runs import RunKind, RunState
from contracts.times import MICROS, from_micros, to_micros
from records.tables.runs import Run, RunProgress

NEW_FOR: Final = timedelta(days=1)
"""A recording is new for this time after its analysis."""


@dataclass(frozen=True, slots=True)
class NewElsewhere:
    """New recordings that lie outside of a range. since, until: the time that they cover."""

    count: int
    since: datetime
    until: datetime

    @property
    def text(self) -> str:
        """The fact as a sentence, without the times."""
        if self.count == 1:
            return "1 recording that was analysed in the last day is not in this range"
        return f"{self.count:,} recordings that were analysed in the last day are not in this range"

    @property
    def noun(self) -> str:
        """The recordings as the subject of a passive sentence."""
        return "it was" if self.count == 1 else "they were"


@dataclass(frozen=True, slots=True)
class Copies:
    """Recordings of a range whose content counts more than once. copies: beyond the first ones."""

    copies: int
    originals: int

    @property
    def text(self) -> str:
        """The fact as a sentence; "" if nothing counts more than once."""
        if not self.copies:
            return ""
        noun = "recording is a copy" if self.copies == 1 else "recordings are copies"
        return (
            f"{self.copies:,} {noun} of {self.originals:,} with the same content: what is summed "
            "over several sources counts that content more than once."
        )


NO_COPIES: Final = Copies(0, 0)


def new_elsewhere(
    connection: Connection,
    source_pks: Sequence[int],
    span: tuple[datetime, datetime],
    now: datetime,
) -> NewElsewhere | None:
    """Return the new recordings of these sources that do not touch the span; None if all do."""
    since, until = span
    begin, end = _begin(), _end()
    row = connection.execute(
        select(func.count(), func.min(begin), func.max(end))
        .select_from(Run)
        .join(RunProgress, RunProgress.run_pk == Run.id)
        .where(
            *_counted(source_pks),
            Run.state == RunState.DONE,
            Run.finished_at >= now - NEW_FOR,
            or_(begin >= to_micros(until), end <= to_micros(since)),
        )
    ).one()
    if not row[0]:
        return None
    return NewElsewhere(int(row[0]), from_micros(int(row[1])), from_micros(int(row[2])))


def copies_inside(
    connection: Connection, source_pks: Sequence[int], span: tuple[datetime, datetime]
) -> Copies:
    """Return how many recordings of these sources count the same content again in the span."""
    since, until = span
    is_original = Run.id.in_(select(Run.copy_of).where(Run.copy_of.is_not(None)))
    query = (
        select(Run.id, Run.copy_of)
        .join(RunProgress, RunProgress.run_pk == Run.id)
        .where(
            *_counted(source_pks),
            or_(Run.copy_of.is_not(None), is_original),
            _begin() < to_micros(until),
            _end() > to_micros(since),
        )
    )
    found = Counter(row.copy_of or row.id for row in connection.execute(query))
    again = [count - 1 for count in found.values() if count > 1]
    return Copies(sum(again), len(again))


def _counted(source_pks: Sequence[int]) -> tuple[Any, ...]:
    return (
        Run.kind == RunKind.FILE,
        Run.counted,
        Run.recorded_at.is_not(None),
        Run.source_pk.in_(list(source_pks)),
    )


def _begin() -> Any:
    return type_coerce(Run.recorded_at, BigInteger)


def _end() -> Any:
    # A picture has no length, but shows in its minute.
    return _begin() + func.coalesce(RunProgress.last_media_time_us, 0) + MICROS
