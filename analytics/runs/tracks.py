"""The tracks of a run, page by page."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, select

from analytics.runs.run_list import run_not_found
from analytics.snapshots import snapshot
from records.tables.faces import Track
from records.tables.runs import Run

MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class TrackLine:
    """One face followed through a run, by media time. A person who returns is a new track."""

    track_id: int
    first_s: float
    last_s: float
    faces: int


def run_tracks(
    engine: Engine, run_id: str, *, after: int = -1, limit: int = 100
) -> tuple[TrackLine, ...]:
    """The tracks with an id above `after`, by id, MOST at most. Raises RunNotFoundError."""
    with snapshot(engine) as connection:
        run_pk = connection.execute(select(Run.id).where(Run.run_id == run_id)).scalar()
        if run_pk is None:
            raise run_not_found(run_id)
        rows = connection.execute(
            select(
                Track.track_id,
                Track.first_media_time_us,
                Track.last_media_time_us,
                Track.faces,
            )
            .where(Track.run_pk == run_pk, Track.track_id > after)
            .order_by(Track.track_id)
            .limit(min(limit, MOST))
        )
        return tuple(
            TrackLine(row[0], row[1] / 1_000_000, row[2] / 1_000_000, row[3]) for row in rows
        )
