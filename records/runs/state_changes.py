"""State changes of a run: cancel, retry, fail."""

from sqlalchemy import Connection, Engine, select, update

from contracts.errors import RunNotFoundError
from contracts.runs import ENDED_STATES, RunState
from contracts.times import utc_now
from records.database import transaction
from records.locks import lock_queue
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


def retry_run(engine: Engine, run_id: str) -> bool:
    """Queue a failed or cancelled run again, to resume where it stopped.

    Return False if it is in another state. Raises RunNotFoundError.
    """
    with transaction(engine) as connection:
        lock_queue(connection)
        run_pk = _run_pk(connection, run_id)
        queued = connection.execute(
            update(Run)
            .where(Run.id == run_pk, Run.state.in_((RunState.FAILED, RunState.CANCELLED)))
            .values(
                state=RunState.QUEUED,
                error="",
                finished_at=None,
                claimed_by=None,
                claim_expires_at=None,
            )
        ).rowcount
        if queued:
            connection.execute(
                update(RunProgress)
                .where(RunProgress.run_pk == run_pk)
                .values(attempts=0, holder=None)
            )
    return bool(queued)


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
        raise RunNotFoundError(f"no run {run_id}", hint="`moodline runs list` shows them")
    return run_pk
