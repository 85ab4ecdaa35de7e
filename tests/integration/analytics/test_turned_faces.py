"""A recording in which all faces are turned says so; others do not."""

import dataclasses

import pytest
from sqlalchemy import Engine, update

from analytics.runs.reports.report import run_report
from analytics.runs.reports.report_text import headline
from analytics.runs.run_summary import run_summary
from analytics.snapshots import snapshot
from contracts.analysis_spec import AnalysisOptions
from contracts.frame_results import TrackMark
from contracts.runs import RunKind
from records.json_columns import RunOptions, encode_file_run_options
from records.tables.faces import Face, Track
from records.tables.runs import Run
from tests.rows import FaceSpec, write_run

PLAIN = AnalysisOptions(0.4, None, 24, 1280)


def rolled_run(engine: Engine, rolls: list[float | None], options: AnalysisOptions = PLAIN) -> None:
    """Write a run with one face in each frame, tilted clockwise by these degrees."""
    frames = {number: [FaceSpec(1, "happy")] for number in range(len(rolls))}
    run_pk = write_run(engine, "run", frames)
    with engine.begin() as connection:
        stored = encode_file_run_options(RunOptions(options))
        connection.execute(update(Run).where(Run.id == run_pk).values(options=stored))
        for number, roll in enumerate(rolls):
            connection.execute(update(Face).where(Face.frame_index == number).values(roll=roll))


def said(engine: Engine) -> str:
    with snapshot(engine) as connection:
        turned = run_summary(connection, "run").turned
        text = headline(run_report(connection, "run"))
    assert (turned.text in text) if turned else ("--rotate" not in text)
    return turned.text if turned else ""


@pytest.mark.parametrize(
    ("roll", "options", "rotate"),
    [
        (88.0, {}, 270),
        (-93.0, {}, 90),
        (178.0, {}, 180),
        (90.0, {"rotate": 90}, 0),
        (-90.0, {"rotate": 270}, 0),
        (90.0, {"mirror": True}, 90),
        (90.0, {"rotate": 90, "mirror": True}, 180),
    ],
)
def test_turned_faces_name_the_rotation_that_helps(
    sqlite_engine: Engine, roll: float, options: dict[str, int], rotate: int
) -> None:
    rolled_run(sqlite_engine, [roll, roll + 5, roll - 5], dataclasses.replace(PLAIN, **options))
    by = 180 if abs(roll) > 135 else 90
    expected = f"Faces were found only turned by {by} degrees: try --rotate {rotate}"
    assert said(sqlite_engine) == expected


@pytest.mark.parametrize("rolls", [[90.0, 90.0, 3.0], [None, None], [40.0, 45.0], [], [90.0, None]])
def test_recordings_with_an_upright_face_say_nothing(
    sqlite_engine: Engine, rolls: list[float | None]
) -> None:
    rolled_run(sqlite_engine, rolls)
    assert said(sqlite_engine) == ""


def test_tentative_faces_and_cameras_say_nothing(sqlite_engine: Engine) -> None:
    rolled_run(sqlite_engine, [90.0, 90.0])
    with sqlite_engine.begin() as connection:
        connection.execute(update(Track).values(mark=TrackMark.TENTATIVE))
    assert said(sqlite_engine) == ""
    with sqlite_engine.begin() as connection:
        connection.execute(update(Track).values(mark=TrackMark.PERSON))
        connection.execute(update(Run).values(kind=RunKind.LIVE))
    assert said(sqlite_engine) == ""
