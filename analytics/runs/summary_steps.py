"""Summary steps of a run: queries over them, and the steps of rows that are about to be removed.

The cost of a query is bounded by the number of buckets: a range is read in the widest steps of
which its buckets consist.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, case, cast, func, select

from contracts.expressions import UNCERTAIN
from contracts.frame_results import TrackMark
from contracts.times import MICROS
from records.runs.summary_steps import DwellGroup, StepSums, add_to_step
from records.tables.faces import Face, Frame, Track
from records.tables.summary_steps import EMPTY, FRAMES_TRACK_ID, OCCUPIED, STEP_WIDTHS, SummaryStep

Query = Select[*tuple[Any, ...]]

MAX_ROWS: Final = 20_000
"""A run with at most this many frames and faces is shown from its rows, to the microsecond."""
WIDEST: Final = STEP_WIDTHS[-1]

IS_EMPTY: Final = case((Frame.face_count == Frame.left_out, EMPTY), else_=OCCUPIED)
"""A frame all of whose faces are left out is empty."""
LABEL: Final = func.coalesce(Face.smoothed_emotion, UNCERTAIN)
COUNTED_TRACK: Final = (
    (Track.run_pk == Face.run_pk)
    & (Track.track_id == Face.track_id)
    & (Track.mark == TrackMark.PERSON)
)
"""Joins a face to its track, if the track counts."""

DWELL_US: Final = cast(Frame.dwell_ms, BigInteger) * 1000
DWELL_BEGIN: Final = case(
    (Frame.dwells_ahead, Frame.media_time_us), else_=Frame.media_time_us - DWELL_US
)
"""The media time at which a frame's dwell begins; it is DWELL_US long."""


@dataclass(frozen=True, slots=True)
class StepGrid:
    """Equal buckets of a run's media time, each of `steps` whole summary steps of width_s."""

    width_s: int
    steps: int

    @classmethod
    def over(cls, span_us: int, most: int) -> "StepGrid":
        """Divide span_us into at most `most` buckets, none shorter than the narrowest step."""
        least_us = -(-span_us // most)
        width_s = max(
            (width for width in STEP_WIDTHS if 2 * width * MICROS <= least_us),
            default=STEP_WIDTHS[0],
        )
        return cls(width_s, -(-least_us // (width_s * MICROS)))

    @property
    def width_us(self) -> int:
        """The width of one bucket."""
        return self.steps * self.width_s * MICROS

    @property
    def bucket(self) -> ColumnElement[int]:
        """The index of the bucket that a step lies in, as SQL."""
        return SummaryStep.step // self.steps

    def steps_of(self, run_pk: int) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions that select the run's steps of this width."""
        return (SummaryStep.run_pk == run_pk, SummaryStep.width_s == self.width_s)


class DwellSums:
    """SQL that adds up dwells by the steps in which they begin and end.

    A dwell is the interval (begin, end], or [begin, end) if it lies ahead of its frame. From the
    sums of the parts in the first and in the last step, a `DwellGroup` distributes many dwells
    over their steps at once, without rounding.
    """

    def __init__(self, width_us: int) -> None:
        begin, end = DWELL_BEGIN, DWELL_BEGIN + DWELL_US
        last = case((Frame.dwells_ahead & (end > begin), end - 1), else_=end)
        # Division truncates towards zero: a begin before media time 0 belongs to step 0.
        self._first = case((begin < 0, 0), else_=begin // width_us)
        self._last = case((last < 0, 0), else_=last // width_us)
        self._ahead = case((Frame.dwells_ahead, 1), else_=0)
        self._in_first = (self._first + 1) * width_us - begin
        self._in_last = end - self._last * width_us

    def keys(self) -> tuple[ColumnElement[int], ...]:
        return (self._first, self._last, self._ahead)

    def sums(self) -> tuple[ColumnElement[int], ...]:
        return (
            self._first.label("first"),
            self._last.label("last"),
            self._ahead.label("ahead"),
            func.count().label("rows"),
            func.sum(Frame.dwell_ms).label("dwell_ms"),
            func.sum(self._in_first).label("in_first"),
            func.sum(self._in_last).label("in_last"),
        )


def dwell_group(row: Row[*tuple[Any, ...]]) -> DwellGroup:
    """Return the group in a row that has the columns of `DwellSums.sums`."""
    return DwellGroup(
        first=row.first,
        last=row.last,
        count=row.rows,
        dwell_ms=int(row.dwell_ms),
        in_first_us=int(row.in_first),
        in_last_us=int(row.in_last),
        ahead=bool(row.ahead),
    )


def long_span_us(run: Row[*tuple[Any, ...]]) -> int:
    """Return the media time that the charts of a long run show, from 0 to its recording's end.

    run: of `progress_of`. No row is read: the last frame's dwell may end a little later.
    """
    return max(run.duration_us or 0, (run.last_media_time_us or 0) + 1)


def media_span_us(connection: Connection, run: Row[*tuple[Any, ...]]) -> int:
    """Return the same of a short run, whose last frame's dwell ends within it."""
    end = connection.execute(
        select(DWELL_BEGIN + DWELL_US)
        .where(Frame.run_pk == run.id)
        .order_by(Frame.frame_index.desc())
        .limit(1)
    ).scalar()
    return max(long_span_us(run), end or 0)


def steps_by_bucket(connection: Connection, run_pk: int, grid: StepGrid) -> Iterator[Any]:
    """Yield rows of (bucket, is_frame, label, seen, time_us), summed over all tracks."""
    is_frame = case((SummaryStep.track_id == FRAMES_TRACK_ID, 1), else_=0)
    bucket = grid.bucket
    return iter(
        connection.execute(
            select(
                bucket.label("bucket"),
                is_frame.label("is_frame"),
                SummaryStep.label,
                func.sum(SummaryStep.seen).label("seen"),
                func.sum(SummaryStep.time_us).label("time_us"),
            )
            .where(*grid.steps_of(run_pk))
            .group_by(bucket, is_frame, SummaryStep.label)
        )
    )


def steps_by_run(run_pks: Sequence[int]) -> Query:
    """Select (run_pk, label, time_us) of whole runs.

    Labels are those of faces, and OCCUPIED and EMPTY for frames.
    """
    return (
        select(
            SummaryStep.run_pk, SummaryStep.label, func.sum(SummaryStep.time_us).label("time_us")
        )
        .where(SummaryStep.run_pk.in_(run_pks), SummaryStep.width_s == WIDEST)
        .group_by(SummaryStep.run_pk, SummaryStep.label)
    )


def steps_by_track(run_pk: int, tracks: Query) -> Query:
    """Select (track_id, label, dwell_ms) of these tracks over the whole run."""
    dwell_ms = func.sum(SummaryStep.time_us) // 1000
    return (
        select(SummaryStep.track_id, SummaryStep.label, dwell_ms.label("dwell_ms"))
        .where(
            SummaryStep.run_pk == run_pk,
            SummaryStep.width_s == WIDEST,
            SummaryStep.track_id.in_(tracks),
        )
        .group_by(SummaryStep.track_id, SummaryStep.label)
    )


def steps_of_rows(
    connection: Connection, run_pk: int, frames: Any, *, faces_only: bool
) -> StepSums:
    """Return the share of a run's steps that comes from these rows.

    frames: a query for their frame_index, or None for all. faces_only: leave out the frames' own
    steps.
    """
    found: StepSums = {}
    chosen = () if frames is None else (Frame.frame_index.in_(frames),)
    for width_s in STEP_WIDTHS:
        dwells = DwellSums(width_s * MICROS)
        queries = [
            select(Face.track_id, LABEL.label("label"), *dwells.sums())
            .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
            .join(Track, COUNTED_TRACK)
            .where(Face.run_pk == run_pk, *chosen)
            .group_by(Face.track_id, LABEL, *dwells.keys())
        ]
        if not faces_only:
            queries.append(
                select(IS_EMPTY.label("label"), *dwells.sums())
                .where(Frame.run_pk == run_pk, *chosen)
                .group_by(IS_EMPTY, *dwells.keys())
            )
        for query in queries:
            for row in connection.execute(query):
                track_id = getattr(row, "track_id", FRAMES_TRACK_ID)
                for step, seen, time_us in dwell_group(row).by_step(width_s * MICROS):
                    add_to_step(found, (width_s, step, track_id, row.label), seen, time_us)
    return found
