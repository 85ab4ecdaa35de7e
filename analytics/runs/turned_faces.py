"""TurnedFaces: recordings in which faces lie on their side, because the picture is turned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, case, func, select

from analytics.runs.summary_steps import COUNTED_TRACK
from contracts.runs import RunKind
from contracts.zones.turning import NO_TURN, Turn
from records.json_columns import decode_run_options
from records.tables.faces import Face, Track
from records.tables.runs import Run

_LEAST_DEGREES: Final = 60
"""A head that is tilted less is no sign of a turned picture."""
_LEAST_ON_HEAD: Final = 135


@dataclass(frozen=True, slots=True)
class TurnedFaces:
    """All faces of a run are turned. by: degrees, 90 or 180. rotate: what --rotate should be."""

    by: int
    rotate: int

    @property
    def text(self) -> str:
        """One sentence without its full stop."""
        return f"Faces were found only turned by {self.by} degrees: try --rotate {self.rotate}"


def picture_turn(connection: Connection, run_id: str) -> Turn:
    """Return how the pictures of a run were turned before they were read."""
    options = connection.execute(select(Run.options).where(Run.run_id == run_id)).scalar()
    return decode_run_options(options).analysis.turn if options else NO_TURN


def turned_faces(connection: Connection, run_pks: Sequence[int]) -> dict[int, TurnedFaces]:
    """Return, by run, how the faces of recordings are turned that have no upright face.

    Of other recordings, faces are read up to the first upright one.
    """
    found = select(Face.run_pk).join(Track, COUNTED_TRACK).where(Face.run_pk == Run.id)
    is_upright = Face.roll.is_(None) | (func.abs(Face.roll) < _LEAST_DEGREES)
    runs = connection.execute(
        select(Run.id, Run.options)
        .where(Run.id.in_(run_pks), Run.kind == RunKind.FILE)
        .where(found.exists(), ~found.where(is_upright).exists())
    ).all()
    if not runs:
        return {}
    quarter = case((func.abs(Face.roll) > _LEAST_ON_HEAD, 2), (Face.roll > 0, 1), else_=3).label(
        "quarter"
    )
    counts = connection.execute(
        select(Face.run_pk, quarter, func.count().label("faces"))
        .join(Track, COUNTED_TRACK)
        .where(Face.run_pk.in_([run.id for run in runs]))
        .group_by(Face.run_pk, quarter)
        .order_by("faces")
    )
    most = {row.run_pk: int(row.quarter) for row in counts}
    return {run.id: _advice(run.options, most[run.id]) for run in runs}


def _advice(options: str, quarter: int) -> TurnedFaces:
    """Return what turns the faces upright. quarter: quarter turns clockwise that they have."""
    analysis = decode_run_options(options).analysis
    # A mirrored picture is turned before it is mirrored, so the other way round.
    back = quarter if analysis.mirror else -quarter
    return TurnedFaces(180 if quarter == 2 else 90, (analysis.rotate + 90 * back) % 360)
