"""The rows of an export, read page by page in key order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Engine, Select, bindparam, or_, select, type_coerce

from analytics.export.columns import COLUMNS
from analytics.runs.run_list import run_not_found
from analytics.snapshots import snapshot
from contracts.errors import ExportError
from records.tables.faces import Face, Frame
from records.tables.runs import Run
from records.tables.sources import Source

PAGE_ROWS: Final = 20_000

type_of_row = tuple[Any, ...]
"""One row's values in the order of COLUMNS, times in microseconds as the records keep them."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows. An empty tuple or None selects all; what is given must all hold.

    since, until: of captured_at, UTC-aware; until is exclusive. frames: also a row for each
    frame without faces.
    """

    run_ids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    frames: bool = False


@dataclass(frozen=True, slots=True)
class _SelectedRun:
    run_pk: int
    source: str
    run_id: str
    model_version: str


def record_pages(
    engine: Engine, selection: Selection, *, page_rows: int = PAGE_ROWS
) -> Iterator[list[type_of_row]]:
    """The selected rows by source name, run id, frame_index and track_id.

    Each page is a transaction of its own and none is open between pages. Raises
    RunNotFoundError, ExportError for an unknown source.
    """
    statement = _page_statement(selection)
    for run in _selected_runs(engine, selection):
        frame_index = track_id = -1
        while True:
            with snapshot(engine) as connection:
                page = connection.execute(
                    statement,
                    {
                        "run": run.run_pk,
                        "last_frame": frame_index,
                        "last_track": track_id,
                        "page_rows": page_rows,
                    },
                ).all()
            if page:
                yield [(run.source, run.run_id, *row, run.model_version) for row in page]
            if len(page) < page_rows:
                break
            frame_index = page[-1].frame_index
            # A frame without faces has no other row: any track_id goes past it.
            track_id = -1 if page[-1].track_id is None else page[-1].track_id


def _selected_runs(engine: Engine, selection: Selection) -> list[_SelectedRun]:
    query = select(Run.id, Source.name, Run.run_id, Run.model_version).join(
        Source, Source.id == Run.source_pk
    )
    with snapshot(engine) as connection:
        _check_sources(connection.execute(select(Source.name)).scalars(), selection.sources)
        runs = [_SelectedRun(*row) for row in connection.execute(query)]
    if selection.run_ids:
        known = {run.run_id for run in runs}
        for run_id in selection.run_ids:
            if run_id not in known:
                raise run_not_found(run_id)
        runs = [run for run in runs if run.run_id in selection.run_ids]
    if selection.sources:
        runs = [run for run in runs if run.source in selection.sources]
    # Here and not in SQL, where the order of text depends on the server's locale.
    return sorted(runs, key=lambda run: (run.source, run.run_id))


def _check_sources(known: Iterator[str], wanted: tuple[str, ...]) -> None:
    missing = set(wanted) - set(known)
    if missing:
        raise ExportError(
            f"no source named {min(missing)!r}", hint="`moodline runs list` shows the names"
        )


def _page_statement(selection: Selection) -> Select[Any]:
    """One page of one run, from behind the key (last_frame, last_track)."""
    same_frame = (Face.run_pk == Frame.run_pk) & (Face.frame_index == Frame.frame_index)
    statement = (
        select(
            Frame.frame_index,
            Frame.media_time_us,
            type_coerce(Frame.captured_at, BigInteger).label("captured_at"),
            *(Face.__table__.c[column.name] for column in COLUMNS if column.of_face),
        )
        .select_from(Frame)
        .join(Face, same_frame, isouter=selection.frames)
        .where(
            Frame.run_pk == bindparam("run"),
            # The first term alone is what an index can start from.
            Frame.frame_index >= bindparam("last_frame"),
            or_(
                Frame.frame_index > bindparam("last_frame"),
                Face.track_id > bindparam("last_track"),
            ),
        )
        .order_by(Frame.frame_index, Face.track_id)
        .limit(bindparam("page_rows"))
    )
    if selection.since is not None:
        statement = statement.where(Frame.captured_at >= selection.since)
    if selection.until is not None:
        statement = statement.where(Frame.captured_at < selection.until)
    return statement
