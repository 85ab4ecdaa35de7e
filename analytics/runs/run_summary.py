"""Run summaries: one run in numbers, with its coverage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from analytics.runs.frame_counts import dropped_by_cause
from analytics.runs.left_out import LeftOut, left_out_by_run
from analytics.runs.run_list import RunLine, run_id_batches, run_line, run_not_found, runs_query
from analytics.runs.summary_steps import COUNTED_TRACK, steps_by_run
from analytics.runs.turned_faces import TurnedFaces, turned_faces
from contracts.expressions import LABELS, UNCERTAIN
from contracts.frame_results import TrackMark
from contracts.zones.zone import Zones
from records.json_columns import decode_run_zones
from records.rollups.windows import DAY_S
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import LABEL_SUMS, rollups
from records.tables.runs import Run
from records.tables.summary_steps import EMPTY, OCCUPIED


@dataclass(frozen=True, slots=True)
class RunCoverage:
    """The part of a source that a run's numbers are based on.

    captured: frames that the reader decoded. dropped: frames by cause; "erased" are those deleted
    on request. analyzed_s: seconds of the source that the analysed frames stand for.
    uncertain_share: part of the person-seconds, 0..1; None if no face was found.
    """

    captured: int
    sampled_out: int
    dropped: Mapping[str, int]
    analyzed_s: float
    uncertain_share: float | None


@dataclass(frozen=True, slots=True)
class RunSummary(RunLine):
    """One run in numbers. emotions: person-seconds for each of LABELS, by smoothed label.

    A face counts for its frame's dwell, the time that the frame stands for. left_out: the tracks
    that are in none of these numbers. turned: how all faces of a recording are turned, or None.
    zones: of the run; faces outside of them are not in the rows.
    """

    tracks: int
    emotions: Mapping[str, float]
    coverage: RunCoverage
    detector: str
    model_version: str
    sampling_fps: float | None
    left_out: LeftOut
    turned: TurnedFaces | None
    zones: Zones


@dataclass(slots=True)
class _Totals:
    """The sums of one run's rows; times in milliseconds."""

    tracks: int = 0
    analyzed_ms: int = 0
    label_ms: dict[str, int] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)

    def add(self, label: str, dwell_ms: int) -> None:
        if dwell_ms:
            self.label_ms[label] = self.label_ms.get(label, 0) + dwell_ms


def run_summary(connection: Connection, run_id: str) -> RunSummary:
    """Return one run's numbers. Raises RunNotFoundError."""
    return run_summaries(connection, [run_id])[0]


def run_summaries(connection: Connection, run_ids: Sequence[str]) -> tuple[RunSummary, ...]:
    """Return the numbers of many runs in the given order. Raises RunNotFoundError.

    Seven statements for every 500 runs. Of runs that have summary steps no frame is read, and no
    face after the first upright one.
    """
    summaries: dict[str, RunSummary] = {}
    for batch in run_id_batches(run_ids):
        rows = connection.execute(runs_query().where(Run.run_id.in_(batch))).all()
        totals = _totals(connection, {row.id: bool(row.stepped) for row in rows})
        turned = turned_faces(connection, list(totals))
        summaries |= {row.run_id: _summary(row, totals[row.id], turned.get(row.id)) for row in rows}
    missing = next((run_id for run_id in run_ids if run_id not in summaries), None)
    if missing is not None:
        raise run_not_found(missing)
    return tuple(summaries[run_id] for run_id in run_ids)


def _totals(connection: Connection, stepped: Mapping[int, bool]) -> dict[int, _Totals]:
    """Add up each run. stepped: whether the run has summary steps, by run key."""
    run_pks = list(stepped)
    totals = {run_pk: _Totals() for run_pk in run_pks}
    # Tracks whose first face was removed are counted by the removed sums below.
    begun = (
        select(Face.run_pk)
        .where(Face.run_pk == Track.run_pk, Face.frame_index == Track.first_frame_index)
        .where(Face.track_id == Track.track_id)
        .exists()
    )
    tracks = connection.execute(
        select(Track.run_pk, func.count())
        .where(Track.run_pk.in_(run_pks), Track.mark == TrackMark.PERSON, begun)
        .group_by(Track.run_pk)
    )
    for run_pk, count in tracks:
        totals[run_pk].tracks += int(count)
    for run_pk, left_out in left_out_by_run(connection, run_pks).items():
        totals[run_pk].left_out = left_out
    if with_steps := [pk for pk in run_pks if stepped[pk]]:
        _add_steps(connection, with_steps, totals)
    if without := [pk for pk in run_pks if not stepped[pk]]:
        _add_rows(connection, without, totals)
    for row in connection.execute(_removed_sums(run_pks)).mappings():
        found = totals[row["part"]]
        found.tracks += int(row["tracks_begun"])
        found.analyzed_ms += int(row["analyzed_ms"])
        for label, name in LABEL_SUMS.items():
            found.add(label, int(row[name]))
    return totals


def _add_steps(
    connection: Connection, run_pks: Sequence[int], totals: Mapping[int, _Totals]
) -> None:
    for row in connection.execute(steps_by_run(run_pks)):
        ms = int(row.time_us) // 1000  # Exact: over a whole run these are sums of whole dwells.
        if row.label in (OCCUPIED, EMPTY):
            totals[row.run_pk].analyzed_ms += ms
        else:
            totals[row.run_pk].add(row.label, ms)


def _add_rows(
    connection: Connection, run_pks: Sequence[int], totals: Mapping[int, _Totals]
) -> None:
    """Add up all rows: these runs were analysed before summary steps existed."""
    analyzed = connection.execute(
        select(Frame.run_pk, func.sum(Frame.dwell_ms))
        .where(Frame.run_pk.in_(run_pks))
        .group_by(Frame.run_pk)
    )
    labels = connection.execute(
        select(Face.run_pk, Face.smoothed_emotion, func.sum(Frame.dwell_ms))
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .join(Track, COUNTED_TRACK)
        .where(Face.run_pk.in_(run_pks))
        .group_by(Face.run_pk, Face.smoothed_emotion)
    )
    for run_pk, dwell_ms in analyzed:
        totals[run_pk].analyzed_ms += int(dwell_ms)
    for run_pk, label, dwell_ms in labels:
        totals[run_pk].add(label or UNCERTAIN, int(dwell_ms))


def _removed_sums(run_pks: Sequence[int]) -> Select[Any]:
    """Select the sums of the runs' rows that retention removed."""
    names = ("tracks_begun", "analyzed_ms", *LABEL_SUMS.values())
    return (
        select(rollups.c.part, *(func.sum(rollups.c[name]).label(name) for name in names))
        .join(Run, (Run.source_pk == rollups.c.source_pk) & (Run.id == rollups.c.part))
        .where(Run.id.in_(run_pks), rollups.c.width_s == DAY_S)
        .group_by(rollups.c.part)
    )


def _summary(row: Row[Any], totals: _Totals, turned: TurnedFaces | None) -> RunSummary:
    person_ms = sum(totals.label_ms.values())
    line = run_line(row)
    return RunSummary(
        **{one.name: getattr(line, one.name) for one in fields(line)},
        tracks=totals.tracks,
        emotions={label: totals.label_ms.get(label, 0) / 1000 for label in LABELS},
        coverage=RunCoverage(
            captured=row.frames_captured,
            sampled_out=row.frames_sampled_out,
            dropped=dropped_by_cause(row),
            analyzed_s=totals.analyzed_ms / 1000,
            uncertain_share=totals.label_ms.get(UNCERTAIN, 0) / person_ms if person_ms else None,
        ),
        detector=row.detector,
        model_version=row.model_version,
        sampling_fps=row.sampling_fps,
        left_out=totals.left_out,
        turned=turned,
        zones=decode_run_zones(row.options),
    )
