"""Missing steps: runs that were analysed before summary steps existed get them, one at a time."""

from sqlalchemy import Connection, Engine, delete, func, select, update

from analytics.runs.summary_steps import steps_of_rows
from analytics.snapshots import snapshot
from contracts.runs import RunState
from records.database import transaction
from records.runs.summary_steps import StepSums, add_steps
from records.tables.faces import Face, Frame
from records.tables.runs import Run, RunProgress
from records.tables.summary_steps import SummaryStep


def add_missing_steps(engine: Engine) -> int:
    """Give every finished run without summary steps its own; return how many got them.

    A run whose rows are removed meanwhile is left for the next time. Raises DatabaseError.
    """
    with snapshot(engine) as connection:
        run_pks = list(
            connection.scalars(
                select(Run.id)
                .join(RunProgress, RunProgress.run_pk == Run.id)
                .where(Run.state == RunState.DONE, ~RunProgress.stepped)
                .order_by(Run.id.desc())
            )
        )
    return sum(_add_steps(engine, run_pk) for run_pk in run_pks)


def _add_steps(engine: Engine, run_pk: int) -> bool:
    """Return whether the run has steps now. The rows are read before others have to wait."""
    with snapshot(engine) as connection:
        rows = _count_rows(connection, run_pk)
        sums = steps_of_rows(connection, run_pk, None, faces_only=False)
    return _store(engine, run_pk, rows, sums)


def _store(engine: Engine, run_pk: int, rows: tuple[int, int], sums: StepSums) -> bool:
    """Store the sums of so many rows, if they are still there."""
    with transaction(engine) as connection:
        of_run = RunProgress.run_pk == run_pk
        state = (
            select(RunProgress.stepped, Run.state)
            .join(Run, Run.id == RunProgress.run_pk)
            .where(of_run)
            .with_for_update(of=RunProgress)
        )
        found = connection.execute(state).first()
        if found is None or found.stepped or found.state != RunState.DONE:
            return False
        if _count_rows(connection, run_pk) != rows:
            return False
        connection.execute(delete(SummaryStep).where(SummaryStep.run_pk == run_pk))
        add_steps(connection, run_pk, sums)
        connection.execute(update(RunProgress).where(of_run).values(stepped=True))
        return True


def _count_rows(connection: Connection, run_pk: int) -> tuple[int, int]:
    """Return the numbers of frames and faces. A finished run only loses rows."""
    frames = select(func.count()).select_from(Frame.__table__).where(Frame.run_pk == run_pk)
    faces = select(func.count()).select_from(Face.__table__).where(Face.run_pk == run_pk)
    return (
        int(connection.execute(frames).scalar_one()),
        int(connection.execute(faces).scalar_one()),
    )
