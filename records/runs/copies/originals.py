"""The originals of copies: runs whose rows other recordings with the same content can get."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update

from contracts.runs import RunKind, RunState
from records.json_columns import decode_run_options
from records.runs.file_job import FileJob
from records.tables.faces import Face, Frame
from records.tables.runs import Run, RunProgress
from runtime.process_identity import claim_is_alive

OPEN_STATES: Final = (RunState.QUEUED, RunState.RUNNING)
_MOST_PER_QUERY: Final = 500


def original_of(
    connection: Connection,
    job: FileJob,
    *,
    since: datetime | None = None,
    by_service: bool = False,
) -> int | None:
    """Return the key of a run whose rows the job's recording can get; None: analyse it.

    Such a run has the same content and options, and is finished with all of its rows, or a living
    process works on it. since: a finished one was queued at that time or later. by_service: the job
    is left to the services, which will also take an original that nobody has claimed yet.
    """
    query = (
        select(Run.id, Run.state, Run.options, Run.queued_at, Run.claimed_by, Run.claim_expires_at)
        .where(
            Run.content_hash == job.content_hash,
            Run.kind == RunKind.FILE,
            Run.copy_of.is_(None),
            Run.state.in_((*OPEN_STATES, RunState.DONE)),
            Run.detector == job.detector,
            Run.model_version == job.model_version,
            Run.sampling_fps.is_(None)
            if job.sampling_fps is None
            else Run.sampling_fps == job.sampling_fps,
        )
        .order_by(Run.id.desc())
    )
    for run in connection.execute(query).all():
        options = decode_run_options(run.options)
        if not (options.drops_damaged and options.analysis == job.options):
            continue
        if run.state == RunState.DONE:
            is_recent = since is None or run.queued_at >= since
            if is_recent and has_all_rows(connection, run.id):
                return int(run.id)
        elif by_service or claim_is_alive(run.claimed_by, run.claim_expires_at):
            return int(run.id)
    return None


def waiting_copies(connection: Connection, run_pks: Sequence[int]) -> set[int]:
    """Return those of the runs that are copies of a run on which a living process works."""
    original = Run.__table__.alias("original")
    found: set[int] = set()
    for first in range(0, len(run_pks), _MOST_PER_QUERY):
        rows = connection.execute(
            select(Run.id, original.c.claimed_by, original.c.claim_expires_at)
            .join(original, original.c.id == Run.copy_of)
            .where(
                Run.id.in_(run_pks[first : first + _MOST_PER_QUERY]),
                original.c.state.in_(OPEN_STATES),
            )
        )
        found |= {row.id for row in rows if claim_is_alive(row.claimed_by, row.claim_expires_at)}
    return found


def has_all_rows(connection: Connection, run_pk: int) -> bool:
    """Return whether a finished run has all rows: none was erased, and none removed by age."""
    found = connection.execute(
        select(
            RunProgress.frames_analyzed,
            RunProgress.faces,
            RunProgress.erased,
            _count(Frame, run_pk).label("frames_stored"),
            _count(Face, run_pk).label("faces_stored"),
        ).where(RunProgress.run_pk == run_pk)
    ).first()
    return (
        found is not None
        and not found.erased
        and found.frames_analyzed == found.frames_stored
        and found.faces == found.faces_stored
    )


def analyse_itself(connection: Connection, run_pk: int) -> None:
    """Make a copy a recording that is analysed itself; others that waited as it did follow it."""
    for table in (Face, Frame):
        connection.execute(delete(table).where(table.run_pk == run_pk))
    copy_of = connection.execute(select(Run.copy_of).where(Run.id == run_pk)).scalar()
    connection.execute(update(Run).where(Run.id == run_pk).values(copy_of=None, counted=True))
    connection.execute(
        update(Run).where(Run.copy_of == copy_of, Run.state.in_(OPEN_STATES)).values(copy_of=run_pk)
    )


def promote_copy(connection: Connection, original_pk: int) -> None:
    """Make the first copy of a run the original of the others: the run is being deleted."""
    copies = list(
        connection.scalars(
            select(Run.id)
            .where(Run.copy_of == original_pk)
            .order_by((Run.state == RunState.DONE).desc(), Run.id)
        )
    )
    if copies:
        connection.execute(update(Run).where(Run.id == copies[0]).values(copy_of=None))
        connection.execute(update(Run).where(Run.id.in_(copies[1:])).values(copy_of=copies[0]))


def _count(table: type[Frame] | type[Face], run_pk: int) -> Any:
    return select(func.count()).select_from(table).where(table.run_pk == run_pk).scalar_subquery()
