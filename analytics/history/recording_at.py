"""Where a time of history is in a recording."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, func, select, type_coerce

from contracts.times import MICROS, to_micros
from records.tables.runs import Run, RunProgress


@dataclass(frozen=True, slots=True)
class RecordingTime:
    """A place in a recording: its run, and seconds of media time."""

    run_id: str
    seconds: float


def recording_at(
    connection: Connection, source_pk: int, begin: datetime, length_s: float
) -> RecordingTime | None:
    """Return where [begin, begin + length_s) begins in a recording of the source.

    None if no counted run, or more than one, was recorded in that time.
    """
    recorded = type_coerce(Run.recorded_at, BigInteger)
    length_us = func.coalesce(Run.duration_us, RunProgress.last_media_time_us, 0)
    rows = connection.execute(
        select(Run.run_id, recorded.label("recorded"))
        .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
        .where(
            Run.source_pk == source_pk,
            Run.counted,
            recorded < to_micros(begin + timedelta(seconds=length_s)),
            recorded + length_us > to_micros(begin),
        )
        .limit(2)
    ).all()
    if len(rows) != 1:
        return None
    seconds = (to_micros(begin) - rows[0].recorded) / MICROS
    return RecordingTime(rows[0].run_id, max(seconds, 0.0))
