"""Runs as their reader sees them: a list of lines, and summaries with their coverage."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, Select, func, select

from analytics.runs.step_sums import by_run
from analytics.snapshots import snapshot
from contracts.errors import RunNotFoundError
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.frames import DropCause
from contracts.redaction import redact
from contracts.runs import ENDED_STATES, RunState
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import LABEL_SUMS, rollups
from records.tables.run_steps import EMPTY, OCCUPIED
from records.tables.runs import DeadLetter, Run, RunProgress
from records.tables.sources import Source
from records.windows import DAY_S

LABELS: Final = (*EXPRESSIONS, UNCERTAIN)
"""The bins of every count by smoothed label; uncertain is one of its own."""

POISON: Final = (
    select(func.count())
    .where(DeadLetter.run_pk == Run.id)
    .correlate(Run)
    .scalar_subquery()
    .label("poison")
)
"""How many frames of a Run were set aside."""
MOST_OPEN: Final = 10_000
_RUNS_A_QUERY: Final = 500
"""Run ids in one IN list; databases bound the number of parameters."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list. `path` is the source's URI without credentials."""

    run_id: str
    source: str
    path: str
    kind: str
    state: RunState
    error: str
    frames_total: int | None
    frames_analyzed: int
    faces: int
    duration_s: float | None
    recorded_at: datetime | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What stands beside every number: how much of the source it was read from.

    captured: frames that the reader decoded. dropped: by cause; "erased" by their owner's wish.
    analyzed_s: the seconds of the source that analysed frames stand for. uncertain_share: of the
    person-seconds, 0..1; None when nobody was seen.
    """

    captured: int
    sampled_out: int
    dropped: Mapping[str, int]
    analyzed_s: float
    uncertain_share: float | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in numbers. emotions: person-seconds for each of LABELS, by smoothed label.

    A face counts for its frame's dwell, so person-seconds do not depend on the frame rate.
    """

    run_id: str
    source: str
    path: str
    kind: str
    state: RunState
    error: str
    frames_total: int | None
    frames_analyzed: int
    faces: int
    tracks: int
    emotions: Mapping[str, float]
    coverage: Coverage
    recorded_at: datetime | None
    recorded_at_origin: str | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    detector: str
    model_version: str
    sampling_fps: float | None
    duration_s: float | None


@dataclass(slots=True)
class _Totals:
    """The sums of one run's rows, in milliseconds where they are times."""

    tracks: int = 0
    analyzed_ms: int = 0
    label_ms: dict[str, int] = field(default_factory=dict)

    def add(self, label: str, dwell_ms: int) -> None:
        if dwell_ms:
            self.label_ms[label] = self.label_ms.get(label, 0) + dwell_ms


def list_runs(
    engine: Engine,
    *,
    limit: int | None = None,
    source: str | None = None,
    state: RunState | None = None,
    kind: str | None = None,
) -> tuple[RunLine, ...]:
    """The runs, newest first; `source` is a source's whole name, `kind` "file" or "live"."""
    query = _runs().order_by(Run.id.desc()).limit(limit)
    if source is not None:
        query = query.where(Source.name == source)
    if state is not None:
        query = query.where(Run.state == state)
    if kind is not None:
        query = query.where(Run.kind == kind)
    with snapshot(engine) as connection:
        return tuple(_run_line(row) for row in connection.execute(query))


def open_runs(engine: Engine, *, limit: int = MOST_OPEN) -> tuple[RunLine, ...]:
    """The runs that have not ended, the oldest first."""
    query = _runs().where(Run.state.not_in(ENDED_STATES)).order_by(Run.id).limit(limit)
    with snapshot(engine) as connection:
        return tuple(_run_line(row) for row in connection.execute(query))


def run_lines(engine: Engine, run_ids: Sequence[str]) -> tuple[RunLine, ...]:
    """These runs, in the order asked for. Raises RunNotFoundError."""
    found: dict[str, RunLine] = {}
    with snapshot(engine) as connection:
        for some in _batches(dict.fromkeys(run_ids), _RUNS_A_QUERY):
            for row in connection.execute(_runs().where(Run.run_id.in_(some))):
                found[row.run_id] = _run_line(row)
    missing = next((run_id for run_id in run_ids if run_id not in found), None)
    if missing is not None:
        raise run_not_found(missing)
    return tuple(found[run_id] for run_id in run_ids)


def run_summary(engine: Engine, run_id: str) -> RunSummary:
    """One run's numbers. Raises RunNotFoundError."""
    return run_summaries(engine, [run_id])[0]


def run_summaries(engine: Engine, run_ids: Sequence[str]) -> tuple[RunSummary, ...]:
    """The numbers of many runs, in the order asked for. Raises RunNotFoundError.

    Five statements for every 500 runs. Of the runs whose steps are kept no frame or face is read.
    """
    summaries: dict[str, RunSummary] = {}
    with snapshot(engine) as connection:
        for some in _batches(dict.fromkeys(run_ids), _RUNS_A_QUERY):
            rows = connection.execute(_runs().where(Run.run_id.in_(some))).all()
            totals = _totals(connection, {row.id: bool(row.stepped) for row in rows})
            summaries |= {row.run_id: _summary(row, totals[row.id]) for row in rows}
    missing = next((run_id for run_id in run_ids if run_id not in summaries), None)
    if missing is not None:
        raise run_not_found(missing)
    return tuple(summaries[run_id] for run_id in run_ids)


def run_not_found(run_id: str) -> RunNotFoundError:
    """The error for a run id that is not in the records."""
    return RunNotFoundError(f"no run {run_id}", hint="`moodline runs list` shows them")


def _runs() -> Select[Any]:
    """Every run with its source's name and its progress."""
    progress = [
        func.coalesce(column, 0).label(column.key)
        for column in (
            RunProgress.frames_captured,
            RunProgress.frames_sampled_out,
            RunProgress.frames_analyzed,
            RunProgress.faces,
            RunProgress.broker_lost,
            RunProgress.erased,
        )
    ]
    return (
        select(
            *Run.__table__.c,
            Source.name.label("source"),
            RunProgress.dropped,
            RunProgress.stepped,
            *progress,
            POISON,
        )
        .join(Source, Source.id == Run.source_pk)
        .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
    )


def _totals(connection: Connection, stepped: Mapping[int, bool]) -> dict[int, _Totals]:
    """stepped: for each run whether its steps are kept."""
    run_pks = list(stepped)
    totals = {run_pk: _Totals() for run_pk in run_pks}
    # Of the tracks whose first face is gone, the sums tell that they began.
    begun = (
        select(Face.run_pk)
        .where(Face.run_pk == Track.run_pk, Face.frame_index == Track.first_frame_index)
        .where(Face.track_id == Track.track_id)
        .exists()
    )
    tracks = connection.execute(
        select(Track.run_pk, func.count())
        .where(Track.run_pk.in_(run_pks), begun)
        .group_by(Track.run_pk)
    )
    for run_pk, count in tracks:
        totals[run_pk].tracks += int(count)
    if with_steps := [pk for pk in run_pks if stepped[pk]]:
        _add_steps(connection, with_steps, totals)
    if without := [pk for pk in run_pks if not stepped[pk]]:
        _add_rows(connection, without, totals)
    for row in connection.execute(_settled(run_pks)).mappings():
        found = totals[row["part"]]
        found.tracks += int(row["tracks_begun"])
        found.analyzed_ms += int(row["analyzed_ms"])
        for label, name in LABEL_SUMS.items():
            found.add(label, int(row[name]))
    return totals


def _add_steps(
    connection: Connection, run_pks: Sequence[int], totals: Mapping[int, _Totals]
) -> None:
    for row in connection.execute(by_run(run_pks)):
        ms = int(row.time_us) // 1000  # Of whole runs they are sums of whole dwells.
        if row.label in (OCCUPIED, EMPTY):
            totals[row.run_pk].analyzed_ms += ms
        else:
            totals[row.run_pk].add(row.label, ms)


def _add_rows(
    connection: Connection, run_pks: Sequence[int], totals: Mapping[int, _Totals]
) -> None:
    """Reads all rows of runs that were analysed before there were steps."""
    analyzed = connection.execute(
        select(Frame.run_pk, func.sum(Frame.dwell_ms))
        .where(Frame.run_pk.in_(run_pks))
        .group_by(Frame.run_pk)
    )
    labels = connection.execute(
        select(Face.run_pk, Face.smoothed_emotion, func.sum(Frame.dwell_ms))
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .where(Face.run_pk.in_(run_pks))
        .group_by(Face.run_pk, Face.smoothed_emotion)
    )
    for run_pk, dwell_ms in analyzed:
        totals[run_pk].analyzed_ms += int(dwell_ms)
    for run_pk, label, dwell_ms in labels:
        totals[run_pk].add(label or UNCERTAIN, int(dwell_ms))


def _settled(run_pks: Sequence[int]) -> Select[Any]:
    """What the runs' rows added up to that retention removed."""
    names = ("tracks_begun", "analyzed_ms", *LABEL_SUMS.values())
    return (
        select(rollups.c.part, *(func.sum(rollups.c[name]).label(name) for name in names))
        .join(Run, (Run.source_pk == rollups.c.source_pk) & (Run.id == rollups.c.part))
        .where(Run.id.in_(run_pks), rollups.c.width_s == DAY_S)
        .group_by(rollups.c.part)
    )


def _run_line(row: Row[Any]) -> RunLine:
    return RunLine(
        run_id=row.run_id,
        source=row.source,
        path=redact(row.uri),
        kind=row.kind,
        state=RunState(row.state),
        error=redact(row.error),
        frames_total=row.frames_total,
        frames_analyzed=row.frames_analyzed,
        faces=row.faces,
        duration_s=_seconds(row.duration_us),
        recorded_at=row.recorded_at,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _summary(row: Row[Any], totals: _Totals) -> RunSummary:
    person_ms = sum(totals.label_ms.values())
    return RunSummary(
        run_id=row.run_id,
        source=row.source,
        path=redact(row.uri),
        kind=row.kind,
        state=RunState(row.state),
        error=redact(row.error),
        frames_total=row.frames_total,
        frames_analyzed=row.frames_analyzed,
        faces=row.faces,
        tracks=totals.tracks,
        emotions={label: totals.label_ms.get(label, 0) / 1000 for label in LABELS},
        coverage=Coverage(
            captured=row.frames_captured,
            sampled_out=row.frames_sampled_out,
            dropped=dropped_by_cause(row),
            analyzed_s=totals.analyzed_ms / 1000,
            uncertain_share=totals.label_ms.get(UNCERTAIN, 0) / person_ms if person_ms else None,
        ),
        recorded_at=row.recorded_at,
        recorded_at_origin=row.recorded_at_origin,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        detector=row.detector,
        model_version=row.model_version,
        sampling_fps=row.sampling_fps,
        duration_s=_seconds(row.duration_us),
    )


def dropped_by_cause(row: Row[Any]) -> dict[str, int]:
    """What the reader told, what the workers found, and what was erased."""
    found = {
        DropCause.BROKER_LOST: row.broker_lost,
        DropCause.POISON: row.poison,
        "erased": row.erased,
    }
    told: dict[str, int] = json.loads(row.dropped or "{}")
    return told | {str(cause): count for cause, count in found.items() if count}


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / 1e6


def _batches(run_ids: Mapping[str, None], size: int) -> Iterator[list[str]]:
    remaining = iter(run_ids)
    while some := list(islice(remaining, size)):
        yield some
