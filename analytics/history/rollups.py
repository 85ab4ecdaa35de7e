"""Rolling up: recomputes the minutes whose rows changed, and the larger windows above them.

A minute is always computed from all its stored rows, so rolling up twice, or again after a crash,
gives the same result. Sums of rows that retention removed are stored in separate parts.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Engine, delete, func, select, tuple_, type_coerce

from analytics.history.row_sums import MinuteSums, RowRange, Sums, row_sums
from analytics.snapshots import snapshot
from contracts.runs import RunKind, RunState
from contracts.times import MICROS, utc_now
from records.database import transaction
from records.locks import lock_rollups
from records.rollups.sums import mark_dirty
from records.rollups.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S, window_start
from records.runs.counted_runs import count_only_run
from records.tables.faces import Frame
from records.tables.rollups import RECOMPUTED_PART, SUMS, DirtyWindow, RunMinute, rollups
from records.tables.runs import Run
from records.upsert import upsert
from runtime.failpoints import failpoint

MINUTES_PER_BATCH: Final = 300
"""Minutes in one transaction: on SQLite, workers wait for its end."""

_MINUTE_US: Final = MINUTE_S * MICROS
_MAX_RANGE_MINUTES: Final = 60
_WIDTHS_ABOVE: Final = ((QUARTER_S, MINUTE_S), (HOUR_S, QUARTER_S), (DAY_S, HOUR_S))
_RECOMPUTED_SUMS: Final = SUMS[: SUMS.index("up_ms")]
"""All but uptime, which is stored in a part of its own and not computed from rows."""

Key = tuple[int, int]


def roll_up(engine: Engine, *, limit: int = MINUTES_PER_BATCH, newest_first: bool = False) -> int:
    """Roll up one batch of dirty minutes, oldest or newest first; return their number.

    0 means that none was dirty. Rows are read without a lock; only the results are written under
    one.
    """
    with snapshot(engine) as connection:
        tokens = _dirty(connection, limit, newest_first=newest_first)
        minutes: MinuteSums = {}
        for since_us, until_us in _ranges(start for _, start in tokens):
            minutes |= row_sums(connection, RowRange(since_us, until_us))
    if not tokens:
        return 0
    with transaction(engine) as connection:
        lock_rollups(connection)
        # A minute that another process has rolled up since is no longer dirty: its result is
        # newer. A minute that has changed since stays dirty and is rolled up again.
        dirty = _lock_dirty(connection, list(tokens))
        write_minutes(connection, {key: minutes.get(key, {}) for key in dirty})
        for (source_pk, start), token in dirty.items():
            if token == tokens[source_pk, start]:
                connection.execute(
                    delete(DirtyWindow).where(
                        DirtyWindow.source_pk == source_pk,
                        DirtyWindow.start == start,
                        DirtyWindow.token == token,
                    )
                )
    return len(tokens)


def roll_up_all(
    engine: Engine,
    on_progress: Callable[[int], None] = lambda _count: None,
    *,
    newest_first: bool = False,
) -> int:
    """Roll up as many minutes as are dirty now; return their number.

    on_progress: called with the size of each batch. newest_first: minutes that arrive meanwhile do
    not wait for a long rebuild.
    """
    with snapshot(engine) as connection:
        left = int(connection.execute(select(func.count()).select_from(DirtyWindow)).scalar_one())
    done = 0
    while left > done and (count := roll_up(engine, newest_first=newest_first)):
        done += count
        on_progress(count)
    return done


def mark_all_dirty(engine: Engine, token: int) -> int:
    """Mark every minute that has rows for roll-up; return the number of minutes.

    Sums of rows that retention removed are kept. Earlier versions counted a recording twice that
    was analysed while it grew, and again when it was whole: now its last run counts. token: any
    number that was not used before.
    """
    marked = 0
    with snapshot(engine) as connection:
        sources = list(connection.execute(select(Run.source_pk).distinct()).scalars())
    for source_pk in sources:
        with transaction(engine) as connection:
            for run_pk in _last_runs_of_repeated_paths(connection, source_pk):
                count_only_run(connection, run_pk, token)
            minutes = _stored_minutes(connection, source_pk)
            mark_dirty(connection, source_pk, minutes, token)
            marked += len(minutes)
    return marked


def _last_runs_of_repeated_paths(connection: Connection, source_pk: int) -> Iterator[int]:
    """Yield the counted runs of paths that have several, newest first, unless a newer one counts.

    The caller counts each before the next.
    """
    of_source = (Run.source_pk == source_pk, Run.kind == RunKind.FILE, Run.counted)
    is_done = Run.state == RunState.DONE
    repeated = select(Run.uri).where(*of_source, is_done).group_by(Run.uri)
    found = connection.execute(
        select(Run.id)
        .where(*of_source, is_done, Run.uri.in_(repeated.having(func.count() > 1)))
        .order_by(Run.id.desc())
    )
    for run_pk in found.scalars().all():
        if connection.execute(select(Run.counted).where(Run.id == run_pk)).scalar_one():
            yield run_pk


def write_minutes(connection: Connection, minutes: MinuteSums) -> None:
    """Replace the recomputed part of these minutes, and of the windows above them.

    The caller holds `lock_rollups`.
    """
    if not minutes:
        return
    _replace(connection, MINUTE_S, minutes)
    keys: Iterable[Key] = minutes
    for width_s, below_s in _WIDTHS_ABOVE:
        keys = sorted({(source_pk, window_start(start, width_s)) for source_pk, start in keys})
        above = {key: _sum_below(connection, key, width_s, below_s) for key in keys}
        _replace(connection, width_s, above)
        failpoint("roll-up")


def _dirty(connection: Connection, limit: int, *, newest_first: bool) -> dict[Key, int]:
    rows = connection.execute(
        select(DirtyWindow.source_pk, DirtyWindow.start, DirtyWindow.token)
        .order_by(DirtyWindow.start.desc() if newest_first else DirtyWindow.start)
        .limit(limit)
    )
    return {(row.source_pk, row.start): row.token for row in rows}


def _lock_dirty(connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
    """Return and lock those of the minutes that are still dirty.

    Minutes that a worker is writing to are skipped and stay dirty, so nothing waits here.
    """
    rows = connection.execute(
        select(DirtyWindow.source_pk, DirtyWindow.start, DirtyWindow.token)
        .where(tuple_(DirtyWindow.source_pk, DirtyWindow.start).in_(keys))
        .with_for_update(skip_locked=True)
    )
    return {(row.source_pk, row.start): row.token for row in rows}


def _ranges(starts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Join neighbouring minutes into ranges of at most an hour: one query each."""
    since = until = None
    for start in sorted(set(starts)):
        if since is None or until is None:
            since = start
        elif start != until or until - since >= _MAX_RANGE_MINUTES * _MINUTE_US:
            yield since, until
            since = start
        until = start + _MINUTE_US
    if since is not None and until is not None:
        yield since, until


def _replace(connection: Connection, width_s: int, found: MinuteSums) -> None:
    """Replace the recomputed parts of windows of one width; a window without sums has no row."""
    empty = [key for key, sums in found.items() if not any(sums.values())]
    if empty:
        connection.execute(
            delete(rollups).where(
                rollups.c.width_s == width_s,
                rollups.c.part == RECOMPUTED_PART,
                tuple_(rollups.c.source_pk, rollups.c.start).in_(empty),
            )
        )
    if len(empty) == len(found):
        return
    statement = upsert(connection, rollups)
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source_pk", "width_s", "start", "part"],
            set_={name: new[name] for name in (*_RECOMPUTED_SUMS, "folded_at")},
        ),
        [
            {
                "source_pk": source_pk,
                "width_s": width_s,
                "start": start,
                "part": RECOMPUTED_PART,
                "folded_at": utc_now(),
                **{name: sums.get(name, 0) for name in _RECOMPUTED_SUMS},
            }
            for (source_pk, start), sums in found.items()
            if any(sums.values())
        ],
    )


def _sum_below(connection: Connection, key: Key, width_s: int, below_s: int) -> Sums:
    """Sum the recomputed parts of the windows below; tracks_carried is that of the first."""
    source_pk, start = key
    row = (
        connection.execute(
            select(
                *(
                    func.sum(rollups.c[name]).label(name)
                    for name in _RECOMPUTED_SUMS
                    if name != "tracks_carried"
                ),
                func.sum(rollups.c.tracks_carried)
                .filter(rollups.c.start == start)
                .label("tracks_carried"),
            ).where(
                rollups.c.source_pk == source_pk,
                rollups.c.width_s == below_s,
                rollups.c.start >= start,
                rollups.c.start < start + width_s * MICROS,
                rollups.c.part == RECOMPUTED_PART,
            )
        )
        .mappings()
        .one()
    )
    return {name: int(value) for name, value in row.items() if value}


def _stored_minutes(connection: Connection, source_pk: int) -> list[int]:
    """Return the minutes of a source that have rows or a recomputed rollup."""
    captured = type_coerce(Frame.captured_at, BigInteger)
    queries: list[Any] = [
        select(RunMinute.start)
        .join(Run, Run.id == RunMinute.run_pk)
        .where(Run.source_pk == source_pk)
        .distinct(),
        select((captured - (captured % _MINUTE_US + _MINUTE_US) % _MINUTE_US).label("start"))
        .join(Run, Run.id == Frame.run_pk)
        .where(Run.source_pk == source_pk)
        .distinct(),
        select(rollups.c.start).where(
            rollups.c.source_pk == source_pk,
            rollups.c.width_s == MINUTE_S,
            rollups.c.part == RECOMPUTED_PART,
        ),
    ]
    found = {start for query in queries for start in connection.execute(query).scalars()}
    return sorted(int(start) for start in found)
