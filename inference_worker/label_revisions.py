"""Label revisions: final labels of rows that are stored already, and what they change in sums.

A face of a recording gets its final label some frames after its row was stored. The row changes,
and the run's sums with it, in the transaction of the frames that made the label final.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, select, type_coerce, update

from contracts.expressions import UNCERTAIN
from contracts.frame_results import FaceResult, FrameResult, LabelRevision, TrackMark
from records.rollups.windows import MINUTE_S, window_start
from records.runs.summary_steps import StepSums, add_frame_steps, add_steps, subtract_steps
from records.tables.faces import Face, Frame, Track

Key = tuple[int, int]
"""(frame_index, track_id)."""

# Made once: a worker executes them with every commit of a recording.
_FACES: Final = (
    select(
        Face.frame_index,
        Face.track_id,
        Face.smoothed_emotion,
        Frame.media_time_us,
        type_coerce(Frame.captured_at, BigInteger).label("captured_at_us"),
        Frame.dwell_ms,
        Frame.dwells_ahead,
        Track.mark,
    )
    .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
    .join(Track, (Track.run_pk == Face.run_pk) & (Track.track_id == Face.track_id))
    .where(
        Face.run_pk == bindparam("of_run"),
        Face.frame_index.between(bindparam("first"), bindparam("last")),
    )
    .order_by(Face.frame_index, Face.track_id)
)
_REVISE: Final = (
    update(Face)
    .where(
        Face.run_pk == bindparam("of_run"),
        Face.frame_index == bindparam("of_frame"),
        Face.track_id == bindparam("of_track"),
    )
    .values(
        smoothed_emotion=bindparam("new_label"), smoothed_confidence=bindparam("new_confidence")
    )
)


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A stored face whose label changes. frame: its frame, for the sums.

    counts: whether its track counts after the commit.
    """

    frame: FrameResult
    track_id: int
    counts: bool
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of one commit.

    results: its frames, with the labels that are final already. earlier: the revisions of faces
    that are stored.
    """

    results: Sequence[FrameResult]
    earlier: Mapping[Key, LabelRevision]


def revisions_of(results: Sequence[FrameResult]) -> Revisions:
    """Separate the revisions of these frames' own faces from those of earlier ones."""
    revisions = {
        (one.frame_index, one.track_id): one for result in results for one in result.revisions
    }
    if not revisions:
        return Revisions(results, {})
    own = {(r.frame_index, face.track_id) for r in results for face in r.faces}
    revised = [
        replace(
            result,
            faces=tuple(
                _revised(face, revisions.get((result.frame_index, face.track_id)))
                for face in result.faces
            ),
        )
        for result in results
    ]
    return Revisions(revised, {key: one for key, one in revisions.items() if key not in own})


def stored_changes(
    connection: Connection,
    run_pk: int,
    earlier: Mapping[Key, LabelRevision],
    marks: Mapping[int, TrackMark] = MappingProxyType({}),
) -> list[StoredFace]:
    """Return the stored faces whose label a revision changes, in order of frames.

    marks: that the commit gives to tracks, by track_id; the others keep the stored one.
    """
    if not earlier:
        return []
    frames = [frame_index for frame_index, _ in earlier]
    rows = connection.execute(_FACES, {"of_run": run_pk, "first": min(frames), "last": max(frames)})
    changes = []
    for row in rows:
        revision = earlier.get((row.frame_index, row.track_id))
        if revision is None or revision.smoothed_emotion == row.smoothed_emotion:
            continue
        frame = FrameResult(
            seq=0,
            frame_index=row.frame_index,
            media_time_us=row.media_time_us,
            captured_at_us=row.captured_at_us,
            dwell_ms=row.dwell_ms,
            dwells_ahead=row.dwells_ahead,
        )
        counts = marks.get(row.track_id, TrackMark(row.mark)).counts
        before, after = row.smoothed_emotion, revision.smoothed_emotion
        changes.append(StoredFace(frame, row.track_id, counts, before, after))
    return changes


def minutes_of_changes(changes: Sequence[StoredFace]) -> set[int]:
    """Return the minutes whose sums these changes change."""
    return {window_start(one.frame.captured_at_us, MINUTE_S) for one in changes}


def apply_revisions(
    connection: Connection,
    run_pk: int,
    earlier: Mapping[Key, LabelRevision],
    changes: Sequence[StoredFace],
    *,
    stepped: bool,
) -> None:
    """Store the final labels of earlier faces, and move their times between labels in the sums.

    The caller holds the run's row in `run_state`, and has applied the remarks of this commit.
    stepped: the run has summary steps.
    """
    if not earlier:
        return
    if stepped:
        before: StepSums = {}
        after: StepSums = {}
        for one in changes:
            if one.counts:
                add_frame_steps(before, one.frame, [(one.track_id, one.before or UNCERTAIN)])
                add_frame_steps(after, one.frame, [(one.track_id, one.after or UNCERTAIN)])
        add_steps(connection, run_pk, after)
        subtract_steps(connection, run_pk, before)
    connection.execute(
        _REVISE,
        [
            {
                "of_run": run_pk,
                "of_frame": one.frame_index,
                "of_track": one.track_id,
                "new_label": one.smoothed_emotion,
                "new_confidence": one.smoothed_confidence,
            }
            for one in earlier.values()
        ],
    )


def _revised(face: FaceResult, revision: LabelRevision | None) -> FaceResult:
    if revision is None:
        return face
    return replace(
        face,
        smoothed_emotion=revision.smoothed_emotion,
        smoothed_confidence=revision.smoothed_confidence,
    )
