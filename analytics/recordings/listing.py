"""The list of recordings, searched, filtered, sorted and cut into pages by the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Select, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from analytics.runs.run_list import RunLine, run_line, runs_query
from contracts.runs import RunKind, RunState
from records.json_columns import decode_tags
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source

_Query = Select[*tuple[Any, ...]]

PAGE_ROWS: Final = 50
MOST_ROWS: Final = 10_000
_MOST_WORDS: Final = 10


class SortKey(StrEnum):
    """The column by which the list is sorted."""

    QUEUED = "queued"
    NAME = "name"
    RECORDED = "recorded"
    LENGTH = "length"
    FACES = "faces"
    STATE = "state"


class Show(StrEnum):
    """Which recordings are listed. open: waiting or being analysed. copy: the copies of others."""

    ALL = "all"
    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class RecordingQuery:
    """A question to the list.

    text: words that a name, path or tag must all contain, or the beginning of a run id. offset:
    rows to skip.
    """

    text: str = ""
    show: Show = Show.ALL
    sort: SortKey = SortKey.QUEUED
    descending: bool = True
    offset: int = 0
    limit: int = PAGE_ROWS


@dataclass(frozen=True, slots=True)
class RecordingLine:
    """A recording in the list. tags: of its source."""

    run: RunLine
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordingPage:
    """A page of the list. total: recordings that match. counts: those that match the text, by Show.

    all: recordings in the records.
    """

    lines: tuple[RecordingLine, ...]
    total: int
    counts: Mapping[str, int]
    all: int


def list_recordings(connection: Connection, query: RecordingQuery) -> RecordingPage:
    """Return a page of the list. Three statements, whatever the number of recordings."""
    with_tags = runs_query().add_columns(Source.tags)
    page = (
        _matching(with_tags, query.text)
        .where(*_shown(query.show))
        .order_by(*_order(query))
        .offset(max(query.offset, 0))
        .limit(min(max(query.limit, 1), MOST_ROWS))
    )
    lines = tuple(
        RecordingLine(run_line(row), decode_tags(row.tags)) for row in connection.execute(page)
    )
    counts = _counts(connection, query.text)
    everything = select(func.count()).select_from(Run).where(Run.kind == RunKind.FILE)
    all_runs = connection.execute(everything).scalar_one()
    return RecordingPage(lines, counts[query.show], counts, all_runs)


def matching_run_ids(
    connection: Connection, query: RecordingQuery, *, most: int = MOST_ROWS
) -> tuple[str, ...]:
    """Return the ids of all recordings that match, whatever the page, in the order of the list."""
    found = select(Run.run_id).join(Source, Source.id == Run.source_pk)
    found = found.outerjoin(RunProgress, RunProgress.run_pk == Run.id)
    statement = _matching(found, query.text).where(*_shown(query.show)).order_by(*_order(query))
    return tuple(connection.scalars(statement.limit(most)))


def _counts(connection: Connection, text: str) -> dict[str, int]:
    is_copy = Run.copy_of.is_not(None)
    found = select(Run.state, is_copy.label("is_copy"), func.count().label("runs")).join(
        Source, Source.id == Run.source_pk
    )
    counts = {str(one): 0 for one in Show}
    for row in connection.execute(_matching(found, text).group_by(Run.state, is_copy)):
        state = RunState(row.state)
        name = Show.OPEN if state in _OPEN else Show(state.value)
        for key in (Show.ALL, name, *((Show.COPY,) if row.is_copy else ())):
            counts[key] += row.runs
    return counts


def _matching(statement: _Query, text: str) -> _Query:
    """Narrow a query over runs and their sources to recordings with all words of the text."""
    statement = statement.where(Run.kind == RunKind.FILE)
    for word in text.split()[:_MOST_WORDS]:
        columns = (Source.name, Run.uri, Source.tags)
        lower = [func.lower(one).contains(word.casefold(), autoescape=True) for one in columns]
        # SQLite lowers ASCII only.
        as_typed = [one.contains(word, autoescape=True) for one in columns[:2]]
        of_run = Run.run_id.startswith(word.casefold(), autoescape=True)
        statement = statement.where(or_(*lower, *as_typed, of_run))
    return statement


def _shown(show: Show) -> Sequence[ColumnElement[bool]]:
    if show is Show.ALL:
        return ()
    if show is Show.COPY:
        return (Run.copy_of.is_not(None),)
    if show is Show.OPEN:
        return (Run.state.in_(_OPEN),)
    return (Run.state == RunState(show.value),)


def _order(query: RecordingQuery) -> Sequence[ColumnElement[Any]]:
    """Return the order: unknown values last in either direction, equal ones newest first."""
    column = _COLUMNS[query.sort]()
    direction = column.desc() if query.descending else column.asc()
    return (column.is_(None), direction, Run.id.desc())


_OPEN: Final = (RunState.QUEUED, RunState.RUNNING)
_COLUMNS: Final[Mapping[SortKey, Callable[[], ColumnElement[Any]]]] = {
    SortKey.QUEUED: lambda: Run.__table__.c.id,
    SortKey.NAME: lambda: func.lower(Source.name),
    SortKey.RECORDED: lambda: Run.__table__.c.recorded_at,
    SortKey.LENGTH: lambda: Run.__table__.c.duration_us,
    SortKey.FACES: lambda: RunProgress.__table__.c.faces - RunProgress.__table__.c.left_out,
    SortKey.STATE: lambda: Run.__table__.c.state,
}
