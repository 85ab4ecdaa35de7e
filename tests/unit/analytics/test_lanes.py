"""What a player is told of a recording's faces: all of them, however many there are."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from analytics.runs.track_timelines import MOST_FACES, faces_between
from records.database import open_engine, upgrade
from records.tables.runs import Run
from tests.rows import Seen, write_run

CROWD = [Seen(track, "happy") for track in range(1, 8)]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    return engine


def test_more_faces_than_an_answer_has_are_asked_for_from_where_it_ends(engine: Engine) -> None:
    write_run(engine, "crowd", dict.fromkeys(range(600), CROWD), gap_ms=33)
    first = faces_between(engine, "crowd", 0, 20)
    assert first.until_s < 20, "it says that it is not all"
    rest = faces_between(engine, "crowd", first.until_s, 20)
    assert rest.until_s == 20
    frames = first.frames + rest.frames
    assert [at for at, _ in frames] == [n * 33 / 1000 for n in range(600)]
    assert all(len(faces) == 7 for _, faces in frames), "no frame lacks a face of its"
    assert sum(len(faces) for _, faces in first.frames) <= MOST_FACES


def test_frames_without_a_face_are_told_of(engine: Engine) -> None:
    write_run(engine, "one", {0: [Seen(1, None)], 1: [], 3: [Seen(2, "sad")]})
    with engine.begin() as connection:
        connection.execute(update(Run).values(display_width=100, display_height=200))
    found = faces_between(engine, "one", 0, 0.3)
    assert found.until_s == 0.3
    assert [(at, [face[0] for face in faces]) for at, faces in found.frames] == [
        (0, [1]),
        (0.1, []),
    ]
    face = found.frames[0][1][0]
    assert face[1:6] == [0.105, 0.1, 0.8, 0.4075, "uncertain"] and len(face[7]) == 7
