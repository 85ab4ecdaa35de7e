"""Runs of versions without summary steps get the steps of their rows."""

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, update

from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.runs import missing_steps
from analytics.runs.missing_steps import add_missing_steps
from analytics.runs.run_summary import run_summary
from analytics.snapshots import in_snapshot
from contracts.runs import RunState
from records.database import transaction
from records.tables.runs import Run, RunProgress
from records.tables.summary_steps import SummaryStep
from tests.history import at_us, write_history_run
from tests.integration.analytics.test_summary_steps import (
    BEGIN,
    forget_steps,
    steps_of_stored_rows,
    stored_steps,
)


@pytest.mark.both_databases
def test_a_finished_run_of_an_old_version_gets_its_steps(engine: Engine) -> None:
    chance = random.Random(7)
    old, running = (
        write_history_run(engine, name, at_us(BEGIN), 90, chance) for name in ("door", "hall")
    )
    expected = stored_steps(engine, old.run_id)
    summary = in_snapshot(engine, run_summary, old.run_id)
    with transaction(engine) as connection:
        connection.execute(delete(SummaryStep))
        connection.execute(update(RunProgress).values(stepped=False))
        state = update(Run).where(Run.run_id == running.run_id)
        connection.execute(state.values(state=RunState.RUNNING))

    assert (add_missing_steps(engine), add_missing_steps(engine)) == (1, 0)

    assert stored_steps(engine, old.run_id) == expected
    assert stored_steps(engine, running.run_id) == {}
    assert in_snapshot(engine, run_summary, old.run_id) == summary


def test_steps_of_rows_that_were_removed_meanwhile_are_not_stored(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_history_run(engine, "door", at_us(BEGIN), 90, random.Random(8))
    forget_steps(engine)
    store = missing_steps._store

    def removal_and_store(*given: Any) -> bool:
        since = BEGIN + timedelta(seconds=5)
        erase(
            engine,
            ErasureScope(run_id=run.run_id, since=since, until=since + timedelta(seconds=5)),
            actor="test",
        )
        return store(*given)

    monkeypatch.setattr(missing_steps, "_store", removal_and_store)
    assert add_missing_steps(engine) == 0
    monkeypatch.undo()
    assert add_missing_steps(engine) == 1
    assert stored_steps(engine, run.run_id) == steps_of_stored_rows(engine, run.run_id)
