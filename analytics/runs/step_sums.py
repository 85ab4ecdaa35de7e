"""Reads a run's steps, from which a long run is shown, and makes them of rows that are about to go.

What is read is bounded by what is shown: a range is read in the widest steps that its buckets are
made of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from contracts.expressions import UNCERTAIN
from contracts.times import MICROS
from records.runs.run_steps import Sums, spread_sums
from records.tables.faces import Face, Frame
from records.tables.run_steps import EMPTY, FRAMES, OCCUPIED, STEP_WIDTHS, RunStep

Query = Select[*tuple[Any, ...]]

MOST_ROWS: Final = 20_000
"""Frames and faces of a run that is shown from them, to the microsecond; a longer one is not."""
WIDEST: Final = STEP_WIDTHS[-1]

IS_EMPTY: Final = case((Frame.face_count == 0, EMPTY), else_=OCCUPIED)
LABEL: Final = func.coalesce(Face.smoothed_emotion, UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal buckets over a run's media time, made of whole steps of width_s."""

    width_s: int
    steps: int

    @classmethod
    def over(cls, span_us: int, most: int) -> "Grid":
        """As many buckets as fit, `most` at most. None is shorter than the narrowest step."""
        least_us = -(-span_us // most)
        width_s = max(
            (width for width in STEP_WIDTHS if 2 * width * MICROS <= least_us),
            default=STEP_WIDTHS[0],
        )
        return cls(width_s, -(-least_us // (width_s * MICROS)))

    @property
    def width_us(self) -> int:
        """Of one bucket."""
        return self.steps * self.width_s * MICROS

    @property
    def bucket(self) -> ColumnElement[int]:
        """The bucket that a step lies in."""
        return RunStep.step // self.steps

    def of(self, run_pk: int) -> tuple[ColumnElement[bool], ...]:
        """Which rows of the table are meant."""
        return (RunStep.run_pk == run_pk, RunStep.width_s == self.width_s)


class Dwells:
    """The SQL that adds up dwells by the steps in which they begin and end.

    A dwell is the interval (begin, end]. With the sums of what lies in the first and in the last
    step, many dwells are spread over their steps at once, and exactly.
    """

    def __init__(self, width_us: int) -> None:
        end = Frame.media_time_us
        begin = Frame.media_time_us - Frame.dwell_ms * 1000
        # Division truncates towards zero: what begins before the start is of the first step.
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


def by_bucket(connection: Connection, run_pk: int, grid: Grid) -> Iterator[Any]:
    """bucket, is_frame, label, seen, time_us, over all tracks."""
    is_frame = case((RunStep.track_id == FRAMES, 1), else_=0)
    bucket = grid.bucket
    return iter(
        connection.execute(
            select(
                bucket.label("bucket"),
                is_frame.label("is_frame"),
                RunStep.label,
                func.sum(RunStep.seen).label("seen"),
                func.sum(RunStep.time_us).label("time_us"),
            )
            .where(*grid.of(run_pk))
            .group_by(bucket, is_frame, RunStep.label)
        )
    )


def by_run(run_pks: Sequence[int]) -> Query:
    """run_pk, label, time_us: whole runs, faces by label and frames by what they are."""
    return (
        select(RunStep.run_pk, RunStep.label, func.sum(RunStep.time_us).label("time_us"))
        .where(RunStep.run_pk.in_(run_pks), RunStep.width_s == WIDEST)
        .group_by(RunStep.run_pk, RunStep.label)
    )


def of_tracks(run_pk: int, tracks: Query) -> Query:
    """track_id, label, dwell_ms: what these tracks showed over the whole run."""
    dwell_ms = func.sum(RunStep.time_us) // 1000
    return (
        select(RunStep.track_id, RunStep.label, dwell_ms.label("dwell_ms"))
        .where(RunStep.run_pk == run_pk, RunStep.width_s == WIDEST, RunStep.track_id.in_(tracks))
        .group_by(RunStep.track_id, RunStep.label)
    )


def sums_of(connection: Connection, run_pk: int, frames: Any, *, faces_alone: bool) -> Sums:
    """What rows of a run are in its steps. frames: their frame_index, as a query, or None for all.

    faces_alone: without the frames themselves.
    """
    found: Sums = {}
    chosen = () if frames is None else (Frame.frame_index.in_(frames),)
    for width_s in STEP_WIDTHS:
        dwells = Dwells(width_s * MICROS)
        queries = [
            select(Face.track_id, LABEL.label("label"), *dwells.sums())
            .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
            .where(Face.run_pk == run_pk, *chosen)
            .group_by(Face.track_id, LABEL, *dwells.keys())
        ]
        if not faces_alone:
            queries.append(
                select(IS_EMPTY.label("label"), *dwells.sums())
                .where(Frame.run_pk == run_pk, *chosen)
                .group_by(IS_EMPTY, *dwells.keys())
            )
        for query in queries:
            for row in connection.execute(query):
                track_id = getattr(row, "track_id", FRAMES)
                for step, seen, time_us in spread_sums(row, width_s * MICROS):
                    key = (width_s, step, track_id, row.label)
                    before = found.get(key, (0, 0))
                    found[key] = (before[0] + seen, before[1] + time_us)
    return found
