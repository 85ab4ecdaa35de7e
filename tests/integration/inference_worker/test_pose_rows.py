"""The pose of a face, from the worker's result to its row and to an export."""

import pytest
from sqlalchemy import Engine, select

from analytics.export.record_pages import Selection, record_pages
from contracts.frame_results import FaceResult, FrameResult, TrackMark
from contracts.geometry import Box, HeadPose
from inference_worker.batch_rows import insert_results
from records.tables.faces import Face
from tests.rows import write_run


def face(track_id: int, pose: HeadPose | None) -> FaceResult:
    shares = (0.7, *[0.05] * 6)
    return FaceResult(track_id, Box(1, 2, 30, 30), shares, None, 0.7, None, 0.7, 0.1, pose=pose)


MARKS = {1: TrackMark.PERSON, 2: TrackMark.PERSON}


@pytest.mark.both_databases
def test_a_row_has_the_pose_or_none(engine: Engine) -> None:
    run_pk = write_run(engine, "r", {})
    faces = (face(1, HeadPose(-12.5, 71.3, 4.0)), face(2, None))

    with engine.begin() as connection:
        insert_results(connection, run_pk, [FrameResult(1, 0, 0, 10**15, 0, faces)], MARKS)

    with engine.connect() as connection:
        rows = connection.execute(select(Face.roll, Face.yaw, Face.pitch).order_by(Face.track_id))
        assert [tuple(row) for row in rows] == [(-12.5, 71.3, 4.0), (None, None, None)]
    ((one, other),) = record_pages(engine, Selection())
    assert one.face is not None and other.face is not None
    assert (one.face.roll, one.face.yaw, one.face.pitch) == (-12.5, 71.3, 4.0)
    assert other.face.yaw is None
