"""Keeps the rollups true: folds the minutes that changed, and the windows above them.

A minute is always computed anew from the rows that are kept, so folding twice, or after a crash,
changes nothing; what retention removed stands beside it in parts of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Engine, delete, func, select, tuple_, type_coerce

from analytics.history.row_sums import Minutes, Rows, Sums, all_sums
from analytics.snapshots import snapshot
from contracts.times import MICROS, utc_now
from records.database import transaction
from records.locks import lock_rollups
from records.rollup_sums import mark_dirty
from records.tables.faces import Frame
from records.tables.rollups import RECOMPUTED, SUMS, DirtyWindow, RunMinute, rollups
from records.tables.runs import Run
from records.upsert import upsert
from records.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S, window_start
from runtime.failpoints import failpoint

WINDOWS_A_TURN: Final = 300
"""Minutes folded in one transaction: it is short, for the workers wait for it on SQLite."""

_MINUTE_US: Final = MINUTE_S * MICROS
_LONGEST_RANGE: Final = 60
_ABOVE: Final = ((QUARTER_S, MINUTE_S), (HOUR_S, QUARTER_S), (DAY_S, HOUR_S))
_KEPT_SUMS: Final = SUMS[: SUMS.index("up_ms")]
"""Uptime is a part of its own, and never computed."""

Key = tuple[int, int]


def fold(engine: Engine, *, limit: int = WINDOWS_A_TURN, newest_first: bool = False) -> int:
    """Fold the oldest of the minutes that changed, or the newest; how many. 0: all is folded.

    The rows are read without a lock; only the few results are written under one.
    """
    with snapshot(engine) as connection:
        tokens = _dirty(connection, limit, newest_first=newest_first)
        minutes: Minutes = {}
        for since_us, until_us in _ranges(start for _, start in tokens):
            minutes |= all_sums(connection, Rows(since_us, until_us))
    if not tokens:
        return 0
    with transaction(engine) as connection:
        lock_rollups(connection)
        # One that another process folded meanwhile is no longer there: its result is newer. One
        # that changed meanwhile stays dirty, and is folded again.
        still = _still_dirty(connection, list(tokens))
        write_minutes(connection, {key: minutes.get(key, {}) for key in still})
        for (source_pk, start), token in still.items():
            if token == tokens[source_pk, start]:
                connection.execute(
                    delete(DirtyWindow).where(
                        DirtyWindow.source_pk == source_pk,
                        DirtyWindow.start == start,
                        DirtyWindow.token == token,
                    )
                )
    return len(tokens)


def fold_all(
    engine: Engine,
    on_progress: Callable[[int], None] = lambda _folded: None,
    *,
    newest_first: bool = False,
) -> int:
    """Fold as many minutes as are dirty at the start; how many.

    newest_first: what comes in meanwhile does not wait for a year that is computed anew.
    """
    with snapshot(engine) as connection:
        left = int(connection.execute(select(func.count()).select_from(DirtyWindow)).scalar_one())
    folded = 0
    while left > folded and (some := fold(engine, newest_first=newest_first)):
        folded += some
        on_progress(some)
    return folded


def rebuild(engine: Engine, token: int) -> int:
    """Have everything that rows cover computed again; how many minutes are to be folded.

    What retention removed is not touched.
    """
    marked = 0
    with snapshot(engine) as connection:
        sources = list(connection.execute(select(Run.source_pk).distinct()).scalars())
    for source_pk in sources:
        with transaction(engine) as connection:
            minutes = _kept_minutes(connection, source_pk)
            mark_dirty(connection, source_pk, minutes, token)
            marked += len(minutes)
    return marked


def write_minutes(connection: Connection, minutes: Minutes) -> None:
    """Put what these minutes add up to in the place of what was there, and in the windows above.

    Under `lock_rollups`.
    """
    if not minutes:
        return
    _put(connection, MINUTE_S, minutes)
    keys: Iterable[Key] = minutes
    for width_s, below_s in _ABOVE:
        keys = sorted({(source_pk, window_start(start, width_s)) for source_pk, start in keys})
        above = {key: _added_up(connection, key, width_s, below_s) for key in keys}
        _put(connection, width_s, above)
        failpoint("folding")


def _dirty(connection: Connection, limit: int, *, newest_first: bool) -> dict[Key, int]:
    rows = connection.execute(
        select(DirtyWindow.source_pk, DirtyWindow.start, DirtyWindow.token)
        .order_by(DirtyWindow.start.desc() if newest_first else DirtyWindow.start)
        .limit(limit)
    )
    return {(row.source_pk, row.start): row.token for row in rows}


def _still_dirty(connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
    """Those that nobody else folded, held until the transaction ends.

    A minute that a worker is just writing to is left out: it stays dirty. Nobody waits here.
    """
    rows = connection.execute(
        select(DirtyWindow.source_pk, DirtyWindow.start, DirtyWindow.token)
        .where(tuple_(DirtyWindow.source_pk, DirtyWindow.start).in_(keys))
        .with_for_update(skip_locked=True)
    )
    return {(row.source_pk, row.start): row.token for row in rows}


def _ranges(starts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The minutes as few stretches without a gap, of an hour at most: one query each."""
    since = until = None
    for start in sorted(set(starts)):
        if since is None or until is None:
            since = start
        elif start != until or until - since >= _LONGEST_RANGE * _MINUTE_US:
            yield since, until
            since = start
        until = start + _MINUTE_US
    if since is not None and until is not None:
        yield since, until


def _put(connection: Connection, width_s: int, found: Minutes) -> None:
    """The recomputed parts of windows of one width; a window of nothing has no row."""
    empty = [key for key, sums in found.items() if not any(sums.values())]
    if empty:
        connection.execute(
            delete(rollups).where(
                rollups.c.width_s == width_s,
                rollups.c.part == RECOMPUTED,
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
            set_={name: new[name] for name in (*_KEPT_SUMS, "folded_at")},
        ),
        [
            {
                "source_pk": source_pk,
                "width_s": width_s,
                "start": start,
                "part": RECOMPUTED,
                "folded_at": utc_now(),
                **{name: sums.get(name, 0) for name in _KEPT_SUMS},
            }
            for (source_pk, start), sums in found.items()
            if any(sums.values())
        ],
    )


def _added_up(connection: Connection, key: Key, width_s: int, below_s: int) -> Sums:
    """The recomputed parts of the windows below; of the carried tracks only the first one's."""
    source_pk, start = key
    row = (
        connection.execute(
            select(
                *(
                    func.sum(rollups.c[name]).label(name)
                    for name in _KEPT_SUMS
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
                rollups.c.part == RECOMPUTED,
            )
        )
        .mappings()
        .one()
    )
    return {name: int(value) for name, value in row.items() if value}


def _kept_minutes(connection: Connection, source_pk: int) -> list[int]:
    """The minutes of a source that have rows, or a rollup of rows."""
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
            rollups.c.part == RECOMPUTED,
        ),
    ]
    found = {start for query in queries for start in connection.execute(query).scalars()}
    return sorted(int(start) for start in found)
