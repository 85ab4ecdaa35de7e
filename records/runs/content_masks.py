"""Privacy masks of runs, and of a recording: those of the newest run of its content with any."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from contracts.zones.polygons import Polygon
from contracts.zones.zone import masks_of
from records.json_columns import decode_run_options, decode_run_zones
from records.sources.live_sources import find_source_in
from records.tables.runs import Run

Covered = tuple[tuple[Polygon, ...], int, bool]
"""Masks, and how the picture is turned on which they lie. Equal ones cover the same."""

NOTHING: Covered = ((), 0, False)


def covered_by(options: str) -> Covered:
    """Return what a run with these `runs.options` covers; NOTHING without masks."""
    masks = masks_of(decode_run_zones(options))
    if not masks:
        return NOTHING
    analysis = decode_run_options(options).analysis
    return masks, analysis.rotate, analysis.mirror


def covered_by_runs(connection: Connection, run_ids: Collection[str]) -> dict[str, Covered]:
    """Return what each of these runs covers, by public id; runs that do not exist are left out."""
    query = select(Run.run_id, Run.options).where(Run.run_id.in_(run_ids))
    return {run_id: covered_by(options) for run_id, options in connection.execute(query)}


def is_masked_as_now(connection: Connection, source: str, run_id: str) -> bool:
    """Return whether the pictures of a live run cover what its source's masks cover now.

    A changed mask begins a run; until its first frame, the newest picture is of the run before.
    Raises SourceNotFoundError.
    """
    found = find_source_in(connection, source)
    masks = masks_of(found.zones)
    if not masks:
        return True
    covered = covered_by_runs(connection, [run_id]).get(run_id, NOTHING)
    return covered == (masks, found.rotate, found.mirror)


def content_masks(connection: Connection, content_hash: str) -> Covered:
    """Return what the newest run with masks covers of this recording; NOTHING if none has any.

    Whoever masks a recording expects that no picture of it shows the rest any more, whichever run
    it is asked for.
    """
    query = (
        select(Run.options)
        .where(Run.content_hash == content_hash, Run.options.contains('"mask"'))
        .order_by(Run.id.desc())
    )
    found = (covered_by(options) for options in connection.scalars(query))
    return next((one for one in found if one != NOTHING), NOTHING)
