"""Setting the time at which a recording begins; its rows, sums and exports follow."""

import random
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Engine, Row, select, type_coerce, update

from contracts.errors import RunBusyError, RunNotFoundError, SettingsError
from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.times import to_micros
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.locks import lock_queue, lock_rollups
from records.rollups.sums import mark_dirty
from records.runs.counted_runs import count_latest_runs, count_only_run
from records.runs.shifted_minutes import write_shifted_minutes
from records.tables.core_tables import UtcMicros
from records.tables.faces import Frame
from records.tables.rollups import rollups
from records.tables.runs import Run
from records.tables.sources import Source

_FIRST_YEAR: Final = 1900
_END_YEAR: Final = 2200
SET_BY_HAND: Final = "set"
"""`runs.recorded_at_origin` of a time that was set after the run was queued."""


def set_recorded_at(engine: Engine, run_id: str, at: datetime, *, actor: str) -> None:
    """Set the time of a recording's media time 0, and write the change to the audit.

    All of its rows move by the same time, and the minutes before and after are rolled up again. A
    run that waits begins with that time. at: UTC-aware.

    Raises RunNotFoundError, RunBusyError if the run is being analysed, and SettingsError if the run
    is of a live source, the time is not supported, or rows of the run were removed by age: their
    sums cannot be moved.
    """
    if not _FIRST_YEAR <= at.year < _END_YEAR:
        raise SettingsError(
            f"{at:%Y-%m-%d} is outside of the supported years",
            hint=f"Use years from {_FIRST_YEAR} to {_END_YEAR - 1}",
        )
    with transaction(engine) as connection:
        lock_queue(connection)
        lock_rollups(connection)
        run = _movable_run(connection, run_id)
        if run.recorded_at is not None and run.state in ENDED_STATES:
            _move_rows(connection, run, to_micros(at) - to_micros(run.recorded_at))
        connection.execute(
            update(Run)
            .where(Run.id == run.id)
            .values(recorded_at=at, recorded_at_origin=SET_BY_HAND)
        )
        _count_again(connection, run)
        before = run.recorded_at.isoformat() if run.recorded_at else ""
        details = {"run": run_id, "source": run.source, "from": before, "to": at.isoformat()}
        write_audit_entry(connection, actor, Action.TIME_SET, details)


def _movable_run(connection: Connection, run_id: str) -> Row[*tuple[Any, ...]]:
    columns = (Run.id, Run.source_pk, Run.kind, Run.state, Run.counted)
    run = connection.execute(
        select(*columns, Run.content_hash, Run.recorded_at, Source.name.label("source"))
        .join(Source, Source.id == Run.source_pk)
        .where(Run.run_id == run_id)
    ).first()
    if run is None:
        raise RunNotFoundError(f"no run {run_id}", hint="`moodline runs list` shows them")
    if run.kind != RunKind.FILE:
        raise SettingsError(
            f"run {run_id} is of a live source, whose frames have the time of the host's clock",
            hint="Only the time of a recording can be set",
        )
    if run.state == RunState.RUNNING:
        raise RunBusyError(
            f"run {run_id} is being analysed", hint="Set its time when the analysis has ended"
        )
    removed = select(rollups.c.part).where(
        rollups.c.source_pk == run.source_pk, rollups.c.part == run.id
    )
    if connection.execute(removed.limit(1)).first() is not None:
        raise SettingsError(
            f"rows of run {run_id} were removed by age, and their sums cannot be moved",
            hint="Analyse the recording again: moodline analyze --again --recorded-at TIME FILE",
        )
    return run


def _move_rows(connection: Connection, run: Row[*tuple[Any, ...]], delta_us: int) -> None:
    """Move the rows of a run by delta_us. The caller holds `lock_rollups`."""
    if not delta_us:
        return
    minutes = write_shifted_minutes(connection, run.id, run.id, delta_us)
    moved = type_coerce(Frame.captured_at, BigInteger) + delta_us
    connection.execute(
        update(Frame)
        .where(Frame.run_pk == run.id)
        .values(captured_at=type_coerce(moved, UtcMicros()))
    )
    mark_dirty(connection, run.source_pk, minutes, random.getrandbits(62))


def _count_again(connection: Connection, run: Row[*tuple[Any, ...]]) -> None:
    """Count the run, or a copy of it that counts beside it now, at its new time."""
    if run.state != RunState.DONE or not run.content_hash:
        return
    token = random.getrandbits(62)
    if run.counted:
        count_only_run(connection, run.id, token)
    count_latest_runs(connection, run.source_pk, run.content_hash, token)
