"""Given the frames of a run, a player gets the faces of all of them, page by page."""

import pytest
from sqlalchemy import Engine, update

from analytics.runs.frame_faces import MAX_FACES, faces_between
from analytics.snapshots import in_snapshot
from records.tables.runs import Run
from tests.rows import FaceSpec, write_run

CROWD = [FaceSpec(track, "happy") for track in range(1, 8)]


def test_a_reader_continues_where_a_full_page_ends(engine: Engine) -> None:
    write_run(engine, "crowd", dict.fromkeys(range(600), CROWD), gap_ms=33)

    first = in_snapshot(engine, faces_between, "crowd", 0, 20)
    rest = in_snapshot(engine, faces_between, "crowd", first.until_s, 20)

    assert first.until_s < 20, "the first page must state that it is not complete"
    assert rest.until_s == 20
    frames = first.frames + rest.frames
    assert [frame.media_s for frame in frames] == [n * 33 / 1000 for n in range(600)]
    assert all(len(frame.faces) == 7 for frame in frames), "every frame has all its faces"
    assert sum(len(frame.faces) for frame in first.frames) <= MAX_FACES


def test_frames_without_a_face_are_included(engine: Engine) -> None:
    turned = FaceSpec(2, "sad", pose=(-12.4, 33.6, 0.0))
    write_run(engine, "one", {0: [FaceSpec(1, None), turned], 1: [], 3: [FaceSpec(2, "sad")]})
    with engine.begin() as connection:
        connection.execute(update(Run).values(display_width=100, display_height=200))

    page = in_snapshot(engine, faces_between, "one", 0, 0.3)

    assert page.until_s == 0.3
    tracks = [(frame.media_s, [face.track for face in frame.faces]) for frame in page.frames]
    assert tracks == [(0, [1, 2]), (0.1, [])]
    face, turned_face = page.frames[0].faces
    assert (face.x, face.y, face.w, face.h) == (0.105, 0.1, 0.8, 0.4075)
    assert face.label == "uncertain" and len(face.shares) == 7
    assert (face.pose, turned_face.pose) == (None, (-12, 34, 0))


@pytest.mark.both_databases
def test_a_range_has_exactly_the_frames_whose_time_lies_in_it(engine: Engine) -> None:
    analysed = {n: [FaceSpec(1, "happy")] for n in (*range(3, 9), *range(20, 30))}
    write_run(engine, "r1", analysed)
    for since_s, until_s in ((0.0, 9.0), (0.3, 0.6), (0.35, 2.2), (0.9, 2.0), (5.0, 9.0), (0, 0)):
        page = in_snapshot(engine, faces_between, "r1", since_s, until_s)
        expected = [n / 10 for n in analysed if since_s <= n / 10 < until_s]
        assert [frame.media_s for frame in page.frames] == expected
    write_run(engine, "empty", {})
    assert in_snapshot(engine, faces_between, "empty", 0, 10).frames == ()
