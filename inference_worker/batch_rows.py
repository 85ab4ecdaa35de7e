"""The SQL rows of a batch: frames, faces, tracks, dead letters and the run's progress."""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, insert, update

from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FaceShape, FrameResult, TrackMark
from contracts.frames import End
from contracts.geometry import HeadPose
from contracts.runs import RunState
from contracts.times import from_micros, utc_now
from inference_worker.batch import DeadLetteredFrame
from inference_worker.track_remarks import count_left_out, left_out
from records.tables.faces import Face, Frame, Track
from records.tables.runs import DeadLetter, Run
from records.upsert import upsert_for_dialect

# Made once: SQLAlchemy keeps with a statement how it is found among the compiled ones.
_INSERT_FRAMES: Final = insert(Frame)
_INSERT_FACES: Final = insert(Face)


def insert_results(
    connection: Connection,
    run_pk: int,
    results: Sequence[FrameResult],
    marks: Mapping[int, TrackMark],
) -> None:
    """Insert the frames and faces, and extend their tracks. marks: of these after the frames."""
    if not results:
        return
    out = left_out(marks)
    connection.execute(_INSERT_FRAMES, [_frame_row(run_pk, result, out) for result in results])
    faces = [_face_row(run_pk, result, face) for result in results for face in result.faces]
    if faces:
        connection.execute(_INSERT_FACES, faces)
        statement = _extend_tracks_statement(connection.dialect.name)
        connection.execute(statement, _track_rows(run_pk, results, marks))
        count_left_out(connection, run_pk, results, out)


def close_run(connection: Connection, run_pk: int, state: RunState, end: End) -> None:
    """End a run with the totals of its End message."""
    connection.execute(
        update(Run)
        .where(Run.id == run_pk)
        .values(
            state=state,
            error=end.error,
            frames_total=end.frames_total,
            finished_at=utc_now(),
            claimed_by=None,
            claim_expires_at=None,
        )
    )


def insert_dead_letters(
    connection: Connection, run_pk: int, dead_letters: Sequence[DeadLetteredFrame]
) -> None:
    """Insert the frames that were set aside, with the reason."""
    for letter in dead_letters:
        connection.execute(
            insert(DeadLetter).values(
                run_pk=run_pk,
                seq=letter.seq,
                frame_index=letter.frame_index,
                reason=letter.reason,
                at=utc_now(),
            )
        )


@cache
def _extend_tracks_statement(dialect: str) -> Any:
    """Insert new tracks; move the end of known ones."""
    statement = upsert_for_dialect(dialect, Track)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["run_pk", "track_id"],
        set_={
            "last_frame_index": new.last_frame_index,
            "last_media_time_us": new.last_media_time_us,
            "faces": Track.faces + new.faces,
            "mark": new.mark,
        },
    )


def _frame_row(run_pk: int, result: FrameResult, out: Collection[int]) -> dict[str, Any]:
    return {
        "run_pk": run_pk,
        "frame_index": result.frame_index,
        "media_time_us": result.media_time_us,
        "captured_at": from_micros(result.captured_at_us),
        "dwell_ms": result.dwell_ms,
        "dwells_ahead": result.dwells_ahead,
        "face_count": len(result.faces),
        "left_out": sum(face.track_id in out for face in result.faces),
    }


def _face_row(run_pk: int, result: FrameResult, face: FaceResult) -> dict[str, Any]:
    return {
        "run_pk": run_pk,
        "frame_index": result.frame_index,
        "track_id": face.track_id,
        "x": face.box.x,
        "y": face.box.y,
        "w": face.box.w,
        "h": face.box.h,
        "emotion": face.emotion,
        "confidence": face.confidence,
        **dict(zip(EXPRESSIONS, face.probabilities, strict=True)),
        "smoothed_emotion": face.smoothed_emotion,
        "smoothed_confidence": face.smoothed_confidence,
        "quality": face.quality,
        **_pose_columns(face.pose),
        **_shape_columns(face.shape),
    }


def _pose_columns(pose: HeadPose | None) -> dict[str, float | None]:
    if pose is None:
        return {"roll": None, "yaw": None, "pitch": None}
    return asdict(pose)


def _shape_columns(shape: FaceShape | None) -> dict[str, float | bytes | None]:
    if shape is None:
        return {"eye_openness": None, "mouth_openness": None, "blendshapes": None}
    return {
        "eye_openness": shape.eye_openness,
        "mouth_openness": shape.mouth_openness,
        "blendshapes": struct.pack(f"<{len(shape.blendshapes)}e", *shape.blendshapes),
    }


def _track_rows(
    run_pk: int, results: Sequence[FrameResult], marks: Mapping[int, TrackMark]
) -> list[dict[str, Any]]:
    """Return one row for each track in these frames, with its first and last frame in them."""
    rows: dict[int, dict[str, Any]] = {}
    for result in results:
        for face in result.faces:
            row = rows.setdefault(
                face.track_id,
                {
                    "run_pk": run_pk,
                    "track_id": face.track_id,
                    "first_frame_index": result.frame_index,
                    "first_media_time_us": result.media_time_us,
                    "faces": 0,
                    "mark": marks[face.track_id],
                },
            )
            row["last_frame_index"] = result.frame_index
            row["last_media_time_us"] = result.media_time_us
            row["faces"] += 1
    return list(rows.values())
