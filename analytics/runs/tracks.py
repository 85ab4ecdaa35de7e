"""The tracks of a run, page by page."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from analytics.runs.run_list import run_not_found
from contracts.times import MICROS
from records.tables.faces import Track
from records.tables.runs import Run


@dataclass(frozen=True, slots=True)
class TrackLine:
    """One track, in seconds of media time. A person who returns is a new track.

    mark: a TrackMark: "" if it counts.
    """

    track_id: int
    first_s: float
    last_s: float
    faces: int
    mark: str


def run_tracks(
    connection: Connection, run_id: str, *, after: int = -1, limit: int = 100
) -> tuple[TrackLine, ...]:
    """Return the tracks whose id is above `after`, by id, at most `limit`.

    Raises RunNotFoundError.
    """
    run_pk = connection.execute(select(Run.id).where(Run.run_id == run_id)).scalar()
    if run_pk is None:
        raise run_not_found(run_id)
    rows = connection.execute(
        select(
            Track.track_id,
            Track.first_media_time_us,
            Track.last_media_time_us,
            Track.faces,
            Track.mark,
        )
        .where(Track.run_pk == run_pk, Track.track_id > after)
        .order_by(Track.track_id)
        .limit(limit)
    )
    return tuple(
        TrackLine(row[0], row[1] / MICROS, row[2] / MICROS, row[3], row[4]) for row in rows
    )
