"""Faces in a checkpoint are removed with the rows of a run that has ended."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.removal.retention import RetentionPeriods, apply_retention
from contracts.runs import RunState
from contracts.times import utc_now
from records.database import reading, transaction
from records.tables.runs import Run, RunProgress
from tests.rows import START, FaceSpec, write_run

FIRST_SECOND = ErasureScope(source="door", since=START, until=START + timedelta(seconds=1))
PERIODS = RetentionPeriods(timedelta(days=30), None, None, None)
CHECKPOINT = {"version": 2, "finder": {"next_id": 3}, "marks": {"places": [[1, 2, 3]]}}


def erase_first_second(engine: Engine) -> None:
    erase(engine, FIRST_SECOND, actor="test")


def remove_by_age(engine: Engine) -> None:
    apply_retention(engine, PERIODS, now=utc_now())


@pytest.mark.both_databases
@pytest.mark.parametrize("remove", [erase_first_second, remove_by_age])
def test_looks_of_a_failed_run_are_forgotten_with_its_rows(
    engine: Engine, remove: Callable[[Engine], None]
) -> None:
    """Given a run that failed and may be resumed, only what shows faces leaves its checkpoint."""
    frames = {n: [FaceSpec(1, "happy")] for n in range(40)}
    run_pk = write_run(engine, "stopped", frames, state=RunState.FAILED)
    with transaction(engine) as connection:
        connection.execute(
            update(RunProgress)
            .where(RunProgress.run_pk == run_pk)
            .values(checkpoint=json.dumps(CHECKPOINT).encode())
        )
        connection.execute(update(Run).values(finished_at=START))
    remove(engine)
    with reading(engine) as connection:
        left = connection.execute(
            select(RunProgress.checkpoint).where(RunProgress.run_pk == run_pk)
        ).scalar_one()
    assert json.loads(left) == {"version": 2, "finder": {"next_id": 3}}
