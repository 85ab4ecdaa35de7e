"""Track remarks: the marks of a commit's tracks, and what changes in their earlier rows.

The sums of a run leave out the tracks that do not count, wholly. So when a track's mark changes,
its earlier rows leave the sums or return to them, in the transaction that stores the mark.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Row, select, type_coerce, update

from contracts.expressions import UNCERTAIN
from contracts.frame_results import FrameResult, TrackMark
from records.rollups.windows import MINUTE_S, window_start
from records.runs.summary_steps import StepSums, add_frame_steps, add_steps, subtract_steps
from records.tables.faces import Face, Frame, Track
from records.tables.runs import RunProgress
from records.tables.summary_steps import EMPTY, FRAMES_TRACK_ID, OCCUPIED

_TRACKS_PER_QUERY: Final = 500


@dataclass(frozen=True, slots=True)
class Remark:
    """A stored track whose mark changes."""

    track_id: int
    before: TrackMark
    after: TrackMark

    @property
    def changes_counts(self) -> bool:
        """Whether its earlier rows leave the sums or return to them."""
        return self.before.counts != self.after.counts


def marks_after(results: Sequence[FrameResult]) -> dict[int, TrackMark]:
    """Return the marks that tracks have after these frames, by track_id."""
    marks: dict[int, TrackMark] = {}
    for result in results:
        marks |= {face.track_id: face.mark for face in result.faces}
        marks |= result.marks
    return marks


def left_out(marks: Mapping[int, TrackMark]) -> frozenset[int]:
    """Return the tracks that do not count."""
    return frozenset(track_id for track_id, mark in marks.items() if not mark.counts)


def stored_remarks(
    connection: Connection, run_pk: int, results: Sequence[FrameResult]
) -> list[Remark]:
    """Return the tracks with earlier rows whose mark these frames change, by track_id."""
    changed = sorted({track_id for result in results for track_id in result.marks})
    after = marks_after(results)
    remarks = []
    for at in range(0, len(changed), _TRACKS_PER_QUERY):
        rows = connection.execute(
            select(Track.track_id, Track.mark)
            .where(Track.run_pk == run_pk)
            .where(Track.track_id.in_(changed[at : at + _TRACKS_PER_QUERY]))
            .order_by(Track.track_id)
        )
        remarks += [Remark(row[0], TrackMark(row[1]), after[row[0]]) for row in rows]
    return [one for one in remarks if one.before is not one.after]


def minutes_of(connection: Connection, run_pk: int, remarks: Sequence[Remark]) -> set[int]:
    """Return the minutes whose sums these remarks change."""
    minutes: set[int] = set()
    captured = type_coerce(Frame.captured_at, BigInteger)
    for one in remarks:
        if one.changes_counts:
            found = connection.execute(_rows_of(run_pk, one.track_id, captured)).scalars()
            minutes |= {window_start(at_us, MINUTE_S) for at_us in found}
    return minutes


def apply_remarks(
    connection: Connection, run_pk: int, remarks: Sequence[Remark], *, stepped: bool
) -> None:
    """Store the marks, and move the tracks' rows out of the run's sums or back into them.

    The caller holds the run's row in `run_state`, and has not yet inserted the rows of the frames
    that change the marks. stepped: the run has summary steps.
    """
    for one in remarks:
        connection.execute(
            update(Track)
            .where(Track.run_pk == run_pk, Track.track_id == one.track_id)
            .values(mark=one.after)
        )
        if one.changes_counts:
            _move_rows(connection, run_pk, one, stepped=stepped)


def count_left_out(
    connection: Connection, run_pk: int, results: Sequence[FrameResult], tracks: Collection[int]
) -> None:
    """Add the frames' faces of these tracks to the run's faces that do not count."""
    faces = sum(face.track_id in tracks for result in results for face in result.faces)
    _add_left_out(connection, run_pk, faces)


def _move_rows(connection: Connection, run_pk: int, remark: Remark, *, stepped: bool) -> None:
    leaves = remark.before.counts
    rows = connection.execute(
        _rows_of(
            run_pk,
            remark.track_id,
            Frame.frame_index,
            Frame.media_time_us,
            Frame.dwell_ms,
            Frame.dwells_ahead,
            (Frame.face_count - Frame.left_out).label("counted"),
            Face.smoothed_emotion,
        )
    ).all()
    if stepped:
        _move_steps(connection, run_pk, remark, rows)
    sign = 1 if leaves else -1
    frames = _rows_of(run_pk, remark.track_id, Frame.frame_index)
    connection.execute(
        update(Frame)
        .where(Frame.run_pk == run_pk, Frame.frame_index.in_(frames))
        .values(left_out=Frame.left_out + sign)
    )
    _add_left_out(connection, run_pk, sign * len(rows))


def _move_steps(
    connection: Connection, run_pk: int, remark: Remark, rows: Sequence[Row[Any]]
) -> None:
    """Move a track's share of the summary steps, and that of frames in which it is alone."""
    with_track: StepSums = {}
    without: StepSums = {}
    leaves = remark.before.counts
    for row in rows:
        frame = FrameResult(
            0, row.frame_index, row.media_time_us, 0, row.dwell_ms, (), row.dwells_ahead
        )
        label = row.smoothed_emotion or UNCERTAIN
        add_frame_steps(with_track, frame, [(remark.track_id, label)])
        if row.counted == (1 if leaves else 0):
            add_frame_steps(with_track, frame, [(FRAMES_TRACK_ID, OCCUPIED)])
            add_frame_steps(without, frame, [(FRAMES_TRACK_ID, EMPTY)])
    add_steps(connection, run_pk, without if leaves else with_track)
    subtract_steps(connection, run_pk, with_track if leaves else without)


def _rows_of(run_pk: int, track_id: int, *columns: Any) -> Any:
    """Select columns of a track's stored frames and faces, in order."""
    return (
        select(*columns)
        .select_from(Track)
        .join(
            Face,
            (Face.run_pk == Track.run_pk)
            & (Face.track_id == Track.track_id)
            & Face.frame_index.between(Track.first_frame_index, Track.last_frame_index),
        )
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .where(Track.run_pk == run_pk, Track.track_id == track_id)
        .order_by(Frame.frame_index)
    )


def _add_left_out(connection: Connection, run_pk: int, faces: int) -> None:
    if faces:
        connection.execute(
            update(RunProgress)
            .where(RunProgress.run_pk == run_pk)
            .values(left_out=RunProgress.left_out + faces)
        )
