"""Given several runs, deleting one removes all its rows and no others."""

import pytest
from sqlalchemy import Engine, func, select

from analytics.removal.deletion import delete_run
from analytics.runs.run_list import list_runs
from analytics.snapshots import in_snapshot
from contracts.errors import RunBusyError, RunNotFoundError
from contracts.runs import RunState
from records.tables.base import Base
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from runtime.process_identity import claimant_name
from tests.rows import FaceSpec, write_run


def rows(engine: Engine, table: type[Base]) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.mark.parametrize("chunk_rows", [1, pytest.param(3, marks=pytest.mark.both_databases), 1000])
def test_deleting_a_run_removes_its_rows_and_no_others(engine: Engine, chunk_rows: int) -> None:
    frames = {n: [FaceSpec(1, "happy"), FaceSpec(2, None)] for n in range(10)}
    write_run(engine, "kept", frames)
    tables = (Run, RunProgress, Frame, Face, Track)
    before = [rows(engine, table) for table in tables]
    write_run(engine, "gone", frames | {n: [] for n in range(10, 15)})

    delete_run(engine, "gone", chunk_rows=chunk_rows)

    assert [rows(engine, table) for table in tables] == before
    assert [run.run_id for run in in_snapshot(engine, list_runs)] == ["kept"]
    assert rows(engine, Source) == 1
    with pytest.raises(RunNotFoundError):
        delete_run(engine, "gone")


def test_a_run_that_a_live_process_works_on_is_not_deleted(engine: Engine) -> None:
    write_run(engine, "busy", {0: []}, state=RunState.RUNNING, claimed_by=claimant_name())
    with pytest.raises(RunBusyError):
        delete_run(engine, "busy")
    assert rows(engine, Frame) == 1


def test_a_run_that_a_dead_process_left_is_deleted(engine: Engine) -> None:
    host, pid, _ = claimant_name().rsplit(":", 2)
    write_run(engine, "left", {0: []}, state=RunState.RUNNING, claimed_by=f"{host}:{pid}:1")
    delete_run(engine, "left")
    assert rows(engine, Run) == 0
