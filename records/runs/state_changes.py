"""The state of a run, and its changes: cancel, fail."""

from sqlalchemy import Connection, Engine, select, update

from contracts.errors import RunNotFoundError
from contracts.runs import ENDED_STATES, RunState
from contracts.times import utc_now
from records.database import transaction
from records.tables.runs import Run, RunProgress


def cancel_run(engine: Engine, run_id: str) -> bool:
    """End an unfinished run and keep its rows. Return False if it had ended.

    The fence is incremented, so that its worker cannot commit any more. Raises RunNotFoundError.
    """
    with transaction(engine) as connection:
        run_pk = _run_pk(connection, run_id)
        ended = connection.execute(
            update(Run)
            .where(Run.id == run_pk, Run.state.not_in(ENDED_STATES))
            .values(
                state=RunState.CANCELLED,
                error="cancelled",
                finished_at=utc_now(),
                claimed_by=None,
                claim_expires_at=None,
            )
        ).rowcount
        if ended:
            connection.execute(
                update(RunProgress)
                .where(RunProgress.run_pk == run_pk)
                .values(fence=RunProgress.fence + 1)
            )
    return bool(ended)


def run_state(connection: Connection, run_id: str) -> RunState:
    """Return the state of a run. Raises RunNotFoundError."""
    state = connection.execute(select(Run.state).where(Run.run_id == run_id)).scalar()
    if state is None:
        raise _no_run(run_id)
    return RunState(state)


def fail_run(engine: Engine, run_id: str, error: str) -> None:
    """End a run that cannot continue; a run that has ended stays as it is.

    error: one line for people. Raises DatabaseError.
    """
    with transaction(engine) as connection:
        connection.execute(
            update(Run)
            .where(Run.run_id == run_id, Run.state.not_in(ENDED_STATES))
            .values(state=RunState.FAILED, error=error, finished_at=utc_now())
        )


def _run_pk(connection: Connection, run_id: str) -> int:
    run_pk = connection.execute(select(Run.id).where(Run.run_id == run_id)).scalar()
    if run_pk is None:
        raise _no_run(run_id)
    return run_pk


def _no_run(run_id: str) -> RunNotFoundError:
    return RunNotFoundError(f"no run {run_id}", hint="`moodline runs list` shows them")
