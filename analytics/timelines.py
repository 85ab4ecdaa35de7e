"""How a run's expressions move over its media time: equal buckets, each with its coverage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, case, func, select

from analytics.queries import run_not_found
from analytics.snapshots import snapshot
from contracts.emotions import UNCERTAIN
from contracts.records import Face, Frame, Run, RunProgress

_MICROS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of media time. A bucket without frames is a gap, and never "neutral".

    frames: analysed frames in it. faces: their faces by smoothed label. analyzed_s: the seconds
    that analysed frames stand for, of which empty_s without a face. emotions: person-seconds by
    smoothed label, only labels that occur. A frame stands for its dwell, the time up to it,
    which may begin in an earlier bucket: each bucket has the part that lies in it.
    """

    start_s: float
    end_s: float
    frames: int
    analyzed_s: float
    empty_s: float
    faces: Mapping[str, int]
    emotions: Mapping[str, float]

    @property
    def is_gap(self) -> bool:
        return self.frames == 0 and self.analyzed_s == 0


@dataclass(slots=True)
class _Tally:
    """A bucket while it is filled, in microseconds."""

    frames: int = 0
    analyzed_us: int = 0
    empty_us: int = 0
    faces: dict[str, int] = field(default_factory=dict)
    emotions_us: dict[str, int] = field(default_factory=dict)


def run_timeline(engine: Engine, run_id: str, buckets: int) -> tuple[Bucket, ...]:
    """The run from media time 0 to its end, in at most `buckets` equal buckets.

    Fewer where the sampling leaves less than one frame for each. Raises RunNotFoundError.
    """
    with snapshot(engine) as connection:
        run = connection.execute(
            select(
                Run.id, Run.duration_us, RunProgress.frames_analyzed, RunProgress.last_media_time_us
            )
            .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
            .where(Run.run_id == run_id)
        ).first()
        if run is None:
            raise run_not_found(run_id)
        span_us = max(run.duration_us or 0, (run.last_media_time_us or 0) + 1)
        # Buckets narrower than the time between two frames would show gaps that are none.
        count = max(1, min(buckets, run.frames_analyzed or 1, span_us))
        width_us = -(-span_us // count)
        tallies = [_Tally() for _ in range(count)]
        _add_frames(connection, run.id, width_us, tallies)
        _add_faces(connection, run.id, width_us, tallies)
    return tuple(
        Bucket(
            start_s=index * width_us / _MICROS,
            end_s=min((index + 1) * width_us, span_us) / _MICROS,
            frames=tally.frames,
            analyzed_s=tally.analyzed_us / _MICROS,
            empty_s=tally.empty_us / _MICROS,
            faces=tally.faces,
            emotions={label: us / _MICROS for label, us in tally.emotions_us.items()},
        )
        for index, tally in enumerate(tallies)
    )


def _add_frames(connection: Connection, run_pk: int, width_us: int, tallies: list[_Tally]) -> None:
    parts = _Parts(width_us)
    is_empty = case((Frame.face_count == 0, 1), else_=0)
    for row in connection.execute(
        select(is_empty.label("is_empty"), *parts.sums())
        .where(Frame.run_pk == run_pk)
        .group_by(is_empty, *parts.keys())
    ):
        tallies[min(row.last, len(tallies) - 1)].frames += row.rows
        for index, us in _spread(row, width_us, len(tallies)):
            tallies[index].analyzed_us += us
            tallies[index].empty_us += us if row.is_empty else 0


def _add_faces(connection: Connection, run_pk: int, width_us: int, tallies: list[_Tally]) -> None:
    parts = _Parts(width_us)
    for row in connection.execute(
        select(Face.smoothed_emotion, *parts.sums())
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .where(Face.run_pk == run_pk)
        .group_by(Face.smoothed_emotion, *parts.keys())
    ):
        label = row.smoothed_emotion or UNCERTAIN
        faces = tallies[min(row.last, len(tallies) - 1)].faces
        faces[label] = faces.get(label, 0) + row.rows
        for index, us in _spread(row, width_us, len(tallies)):
            emotions_us = tallies[index].emotions_us
            emotions_us[label] = emotions_us.get(label, 0) + us


class _Parts:
    """The SQL that adds up dwells by the buckets in which they begin and end.

    A dwell is the interval (begin, end]. With the sums of what lies in the first and in the last
    bucket, many dwells are spread over their buckets at once, and exactly.
    """

    def __init__(self, width_us: int) -> None:
        end = Frame.media_time_us
        begin = Frame.media_time_us - Frame.dwell_ms * 1000
        # Division truncates towards zero: what begins before the start is of the first bucket.
        self._first = case((begin < 0, 0), else_=begin // width_us)
        self._last = case((end < 0, 0), else_=end // width_us)
        self._in_first = (self._first + 1) * width_us - begin
        self._in_last = end - self._last * width_us

    def keys(self) -> tuple[ColumnElement[int], ...]:
        return (self._first, self._last)

    def sums(self) -> tuple[ColumnElement[int], ...]:
        return (
            self._first.label("first"),
            self._last.label("last"),
            func.count().label("rows"),
            func.sum(Frame.dwell_ms).label("dwell_ms"),
            func.sum(self._in_first).label("in_first"),
            func.sum(self._in_last).label("in_last"),
        )


def _spread(row: Any, width_us: int, count: int) -> list[tuple[int, int]]:
    """(bucket, microseconds) of the dwells that one row sums up."""
    if row.first == row.last:
        return [(min(row.last, count - 1), int(row.dwell_ms) * 1000)]
    between = [(index, row.rows * width_us) for index in range(row.first + 1, row.last)]
    spread = [(row.first, int(row.in_first)), *between, (row.last, int(row.in_last))]
    return [(min(index, count - 1), us) for index, us in spread]
