"""A run's timeline: expressions over media time, in equal buckets with their coverage."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from analytics.runs.run_list import progress_of
from analytics.runs.summary_steps import (
    COUNTED_TRACK,
    IS_EMPTY,
    LABEL,
    MAX_ROWS,
    DwellSums,
    StepGrid,
    dwell_group,
    long_span_us,
    media_span_us,
    steps_by_bucket,
)
from contracts.times import MICROS
from records.tables.faces import Face, Frame, Track
from records.tables.summary_steps import EMPTY


@dataclass(frozen=True, slots=True)
class MediaBucket:
    """One step of a run's timeline, in seconds of media time.

    frames: analysed frames. analyzed_s: seconds that analysed frames stand for; empty_s: the part
    of it without a face. faces: by smoothed label. emotions: person-seconds by smoothed label, only
    labels that occur. A frame stands for its dwell, which may lie in several buckets: each has the
    part that lies in it.
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
        """Whether nothing was analysed. A gap is unknown, which is not neutral."""
        return self.frames == 0 and self.analyzed_s == 0


@dataclass(slots=True)
class _Tally:
    """The sums of a bucket, in microseconds."""

    frames: int = 0
    analyzed_us: int = 0
    empty_us: int = 0
    faces: dict[str, int] = field(default_factory=dict)
    emotions_us: dict[str, int] = field(default_factory=dict)

    def add_frames(self, label: str, frames: int, us: int) -> None:
        self.frames += frames
        self.analyzed_us += us
        self.empty_us += us if label == EMPTY else 0

    def add_faces(self, label: str, faces: int, us: int) -> None:
        if faces:
            self.faces[label] = self.faces.get(label, 0) + faces
        self.emotions_us[label] = self.emotions_us.get(label, 0) + us


def run_timeline(connection: Connection, run_id: str, buckets: int) -> tuple[MediaBucket, ...]:
    """Return the run from media time 0 to its end in at most `buckets` equal buckets.

    There are fewer if there are fewer frames than buckets, and for a long run, whose buckets are
    whole summary steps. Raises RunNotFoundError.
    """
    run = progress_of(connection, run_id)
    is_long = run.stepped and run.frames_analyzed + run.faces > MAX_ROWS
    span_us = long_span_us(run) if is_long else media_span_us(connection, run)
    # Buckets narrower than the time between two frames would show false gaps.
    count = max(1, min(buckets, run.frames_analyzed or 1, span_us))
    width_us = -(-span_us // count)
    if is_long:
        grid = StepGrid.over(span_us, count)
        width_us, count = grid.width_us, -(-span_us // grid.width_us)
        tallies = [_Tally() for _ in range(count)]
        _add_steps(connection, run.id, grid, tallies)
    else:
        tallies = [_Tally() for _ in range(count)]
        _add_frames(connection, run.id, width_us, tallies)
        _add_faces(connection, run.id, width_us, tallies)
    return tuple(
        MediaBucket(
            start_s=index * width_us / MICROS,
            end_s=min((index + 1) * width_us, span_us) / MICROS,
            frames=tally.frames,
            analyzed_s=tally.analyzed_us / MICROS,
            empty_s=tally.empty_us / MICROS,
            faces=tally.faces,
            emotions={label: us / MICROS for label, us in tally.emotions_us.items()},
        )
        for index, tally in enumerate(tallies)
    )


def _add_steps(connection: Connection, run_pk: int, grid: StepGrid, tallies: list[_Tally]) -> None:
    for row in steps_by_bucket(connection, run_pk, grid):
        tally = tallies[min(row.bucket, len(tallies) - 1)]
        if row.is_frame:
            tally.add_frames(row.label, int(row.seen), int(row.time_us))
        else:
            tally.add_faces(row.label, int(row.seen), int(row.time_us))


def _add_frames(connection: Connection, run_pk: int, width_us: int, tallies: list[_Tally]) -> None:
    dwells = DwellSums(width_us)
    for row in connection.execute(
        select(IS_EMPTY.label("label"), *dwells.sums())
        .where(Frame.run_pk == run_pk)
        .group_by(IS_EMPTY, *dwells.keys())
    ):
        for index, frames, us in dwell_group(row).by_step(width_us):
            tallies[min(index, len(tallies) - 1)].add_frames(row.label, frames, us)


def _add_faces(connection: Connection, run_pk: int, width_us: int, tallies: list[_Tally]) -> None:
    dwells = DwellSums(width_us)
    for row in connection.execute(
        select(LABEL.label("label"), *dwells.sums())
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .join(Track, COUNTED_TRACK)
        .where(Face.run_pk == run_pk)
        .group_by(LABEL, *dwells.keys())
    ):
        for index, faces, us in dwell_group(row).by_step(width_us):
            tallies[min(index, len(tallies) - 1)].add_faces(row.label, faces, us)
