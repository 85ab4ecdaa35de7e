"""The time of a recording is set: rows, rollups and the audit follow."""

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select, update

from analytics.audit import audit_entries
from analytics.history.rollups import roll_up_all
from analytics.runs.run_list import find_runs
from analytics.snapshots import in_snapshot
from contracts.errors import RunBusyError, RunNotFoundError, SettingsError
from contracts.runs import RunKind, RunState
from contracts.times import to_micros, utc_now
from records.database import reading, transaction
from records.runs.recorded_time import set_recorded_at
from records.tables.faces import Frame
from records.tables.rollups import rollups
from records.tables.runs import Run
from tests.history import WrittenRun, expected_sums, stored_sums, write_history_run
from tests.integration.records.test_copies import run_of, set_run, shifted

BEGIN = datetime.fromisoformat("2019-05-01T09:30:10+00:00")


@pytest.fixture
def recording(engine: Engine) -> WrittenRun:
    written = write_history_run(engine, "old.mp4", to_micros(BEGIN), 600, random.Random(2))
    set_run(engine, written.run_id, recorded_at=BEGIN, recorded_at_origin="container")
    roll_up_all(engine)
    return written


@pytest.mark.both_databases
def test_rows_and_rollups_follow_the_time_that_is_set(
    engine: Engine, recording: WrittenRun
) -> None:
    by = timedelta(days=2500, minutes=41)

    set_recorded_at(engine, recording.run_id, BEGIN + by, actor="ola@host")
    roll_up_all(engine)

    assert stored_sums(engine) == expected_sums([shifted(recording, "old.mp4", by)])
    (line,) = in_snapshot(engine, find_runs, [recording.run_id])
    assert (line.recorded_at, line.recorded_at_origin) == (BEGIN + by, "set")
    assert line.recorded_text == "set by hand"
    with reading(engine) as connection:
        first = connection.execute(select(func.min(Frame.captured_at))).scalar_one()
    assert first == BEGIN + by
    (entry,) = in_snapshot(engine, audit_entries)
    assert (entry.actor, entry.action) == ("ola@host", "recorded time set")
    assert entry.details["from"] == BEGIN.isoformat()
    assert entry.details["to"] == (BEGIN + by).isoformat()


def test_setting_it_back_restores_every_sum(engine: Engine, recording: WrittenRun) -> None:
    before = stored_sums(engine)
    for at in (BEGIN + timedelta(hours=7), BEGIN):
        set_recorded_at(engine, recording.run_id, at, actor="x")
    roll_up_all(engine)
    assert stored_sums(engine) == before


def test_a_run_that_waits_begins_with_the_time(engine: Engine, recording: WrittenRun) -> None:
    set_run(engine, recording.run_id, state=RunState.QUEUED, recorded_at=None)
    set_recorded_at(engine, recording.run_id, BEGIN, actor="x")
    assert run_of(engine, recording.run_id).recorded_at == BEGIN


def test_times_that_cannot_be_set_say_why(engine: Engine, recording: WrittenRun) -> None:
    run_id = recording.run_id
    with pytest.raises(SettingsError, match="outside of the supported years"):
        set_recorded_at(engine, run_id, BEGIN.replace(year=1066), actor="x")
    with pytest.raises(RunNotFoundError):
        set_recorded_at(engine, "no-run", BEGIN, actor="x")
    set_run(engine, run_id, state=RunState.RUNNING)
    with pytest.raises(RunBusyError):
        set_recorded_at(engine, run_id, BEGIN, actor="x")
    set_run(engine, run_id, state=RunState.DONE, kind=RunKind.LIVE)
    with pytest.raises(SettingsError, match="live source"):
        set_recorded_at(engine, run_id, BEGIN, actor="x")
    set_run(engine, run_id, kind=RunKind.FILE)
    run = run_of(engine, run_id)
    key = {"source_pk": run.source_pk, "width_s": 86400, "start": 0, "part": run.id}
    with transaction(engine) as connection:
        connection.execute(insert(rollups).values(**key, folded_at=utc_now()))
    with pytest.raises(SettingsError, match="removed by age"):
        set_recorded_at(engine, run_id, BEGIN + timedelta(1), actor="x")
    assert run_of(engine, run_id).recorded_at == BEGIN


def test_copies_that_meet_at_one_time_count_once_and_apart_again_both(engine: Engine) -> None:
    runs = []
    for number in range(2):
        at = BEGIN + timedelta(days=number)
        run = write_history_run(
            engine, "s", to_micros(at), 50, random.Random(1), content="one", model=f"m{number}"
        )
        set_run(engine, run.run_id, recorded_at=at, uri=f"/{number}.mp4", counted=True)
        runs.append(run.run_id)

    def counted() -> list[bool]:
        return [run_of(engine, one).counted for one in runs]

    set_recorded_at(engine, runs[1], BEGIN, actor="x")
    assert counted() == [False, True]
    set_recorded_at(engine, runs[1], BEGIN + timedelta(days=9), actor="x")
    assert counted() == [True, True]
    with transaction(engine) as connection:
        connection.execute(update(Run).values(counted=True))
