"""Counting what an erasure concerns, before anything is deleted."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, func, select

from analytics.history.row_sums import RowRange
from analytics.removal.erasure_scope import ErasureScope, ScopedRun, dead_letters_in_scope
from analytics.removal.minute_batches import frame_indexes
from analytics.removal.receipts import Receipt
from analytics.removal.removed_sums import removed_frames
from contracts.times import utc_now
from records.tables.faces import Face
from records.tables.runs import Run
from records.tables.sources import Source

_MOST_NAMED: Final = 3
_RUNS_PER_QUERY: Final = 500


def count_records(
    connection: Connection, scope: ErasureScope, runs: list[ScopedRun], *, dry_run: bool
) -> Receipt:
    """Return the receipt of an erasure, as it would be now.

    It also names other recordings with the same content, which would keep the same people.
    """
    frames = faces = tracks = rollup_frames = letters = 0
    touched = dict[ScopedRun, None]()
    for run in runs:
        rows = RowRange(scope.since_us, scope.until_us, run.pk)
        here = frame_indexes(rows).subquery()
        in_frames = Face.frame_index.in_(select(here.c.frame_index))
        found = connection.execute(
            select(
                select(func.count()).select_from(here).scalar_subquery(),
                select(func.count())
                .select_from(Face)
                .where(Face.run_pk == run.pk, in_frames)
                .scalar_subquery(),
                select(func.count(Face.track_id.distinct()))
                .where(Face.run_pk == run.pk, in_frames)
                .scalar_subquery(),
            )
        ).one()
        removed = removed_frames(connection, run.pk, run.source_pk, scope.since_us, scope.until_us)
        dead = len(dead_letters_in_scope(connection, scope, run))
        frames, faces, tracks = frames + found[0], faces + found[1], tracks + found[2]
        rollup_frames, letters = rollup_frames + removed, letters + dead
        if found[0] or removed or dead or not scope.has_range:
            touched[run] = None
    return Receipt(
        sources=tuple(sorted({run.source for run in touched})),
        runs=len(touched),
        frames=frames,
        faces=faces,
        tracks=tracks,
        rollups=rollup_frames,
        dead_letters=letters,
        run_ids=tuple(run.run_id for run in touched),
        at=utc_now(),
        dry_run=dry_run,
        remains=_copies_left(connection, list(touched)),
    )


def _copies_left(connection: Connection, runs: Sequence[ScopedRun]) -> str:
    """Return which recordings outside of these runs have the same content, in words; "" if none."""
    erased, contents = {run.pk for run in runs}, set[str]()
    for first in range(0, len(runs), _RUNS_PER_QUERY):
        some = [run.pk for run in runs[first : first + _RUNS_PER_QUERY]]
        found = select(Run.content_hash).where(Run.id.in_(some), Run.content_hash != "").distinct()
        contents.update(connection.scalars(found))
    names: dict[str, None] = {}
    ordered = sorted(contents)
    for first in range(0, len(ordered), _RUNS_PER_QUERY):
        same = (
            select(Run.id, Source.name)
            .join(Source, Source.id == Run.source_pk)
            .where(Run.content_hash.in_(ordered[first : first + _RUNS_PER_QUERY]))
            .order_by(Run.id)
        )
        names |= {row.name: None for row in connection.execute(same) if row.id not in erased}
    if not names:
        return ""
    shown = ", ".join(list(names)[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    listed = f"{shown} and {more:,} more" if more > 0 else shown
    return f"other runs of the same content, which were not chosen: {listed}"
