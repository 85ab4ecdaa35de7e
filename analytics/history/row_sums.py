"""Row sums: frame and face rows summed by minute. Only here do rows become rollups."""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Select, case, cast, func, select, type_coerce
from sqlalchemy.sql.elements import ColumnElement

from contracts.expressions import UNCERTAIN
from contracts.frame_results import TrackMark
from contracts.times import MICROS
from records.rollups.windows import MINUTE_S
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import COUNT_SUMS, LABEL_SUMS, PROBABILITY_SUMS, RunMinute
from records.tables.runs import Run

_MINUTE_US: Final = MINUTE_S * MICROS
_TRACKS_A_RUN: Final = 2**32

_Query = Select[*tuple[Any, ...]]
Sums = dict[str, int]
MinuteSums = dict[tuple[int, int], Sums]
"""Sums by (source_pk, start of the minute); zero sums are left out."""


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows captured in [since_us, until_us), of one run or of all counted runs.

    indexes: bounds of the run's frame_index in this time, inclusive, so that a query can use the
    primary key.
    """

    since_us: int
    until_us: int
    run_pk: int | None = None
    indexes: tuple[int, int] | None = None
    minute: ColumnElement[int] = field(init=False)

    def __post_init__(self) -> None:
        captured = type_coerce(Frame.captured_at, BigInteger)
        # Twice `%`: before 1970 it is negative in SQL.
        object.__setattr__(
            self, "minute", captured - (captured % _MINUTE_US + _MINUTE_US) % _MINUTE_US
        )

    def select_frames(self, query: _Query) -> _Query:
        """Narrow a query over frames to these rows and group it by source and minute."""
        captured = type_coerce(Frame.captured_at, BigInteger)
        query = query.where(captured >= self.since_us, captured < self.until_us)
        if self.run_pk is not None:
            query = query.where(Frame.run_pk == self.run_pk, *self.index_conditions())
        return self._in_runs(query).group_by(Run.source_pk, self.minute)

    def index_conditions(self) -> tuple[ColumnElement[bool], ...]:
        """Return the condition on frame_index: without it, a run is read from its begin."""
        return () if self.indexes is None else (Frame.frame_index.between(*self.indexes),)

    def select_minutes(self, query: _Query) -> _Query:
        """Narrow a query over run_minutes to this range and group it by source and minute."""
        query = query.where(RunMinute.start >= self.since_us, RunMinute.start < self.until_us)
        return self._in_runs(query).group_by(Run.source_pk, RunMinute.start)

    def _in_runs(self, query: _Query) -> _Query:
        return query.where(Run.counted if self.run_pk is None else Run.id == self.run_pk)


def row_sums(connection: Connection, rows: RowRange) -> MinuteSums:
    """Return all sums that are computed from rows."""
    return merge(frame_sums(connection, rows), face_sums(connection, rows))


def merge(*parts: MinuteSums) -> MinuteSums:
    """Merge parts that have no sum in common."""
    together: MinuteSums = {}
    for part in parts:
        for key, sums in part.items():
            together.setdefault(key, {}).update(sums)
    return together


def frame_sums(connection: Connection, rows: RowRange) -> MinuteSums:
    """Return FRAME_SUMS and COUNT_SUMS."""
    is_occupied = Frame.face_count > Frame.left_out
    frames = rows.select_frames(
        select(
            Run.source_pk,
            rows.minute.label("start"),
            func.count().label("frames"),
            func.sum(Frame.dwell_ms).label("analyzed_ms"),
            func.sum(case((is_occupied, Frame.dwell_ms), else_=0)).label("occupied_ms"),
        ).join(Run, Run.id == Frame.run_pk)
    )
    counts = rows.select_minutes(
        select(
            Run.source_pk,
            RunMinute.start,
            *(func.sum(getattr(RunMinute, name)).label(name) for name in COUNT_SUMS),
        ).join(Run, Run.id == RunMinute.run_pk)
    )
    return merge(_by_minute(connection, frames), _by_minute(connection, counts))


def face_sums(connection: Connection, rows: RowRange) -> MinuteSums:
    """Return FACE_SUMS and LEFT_OUT_SUMS: integers, so that the order of adding does not matter."""
    return merge(_counted_sums(connection, rows), _left_out_sums(connection, rows))


def _counted_sums(connection: Connection, rows: RowRange) -> MinuteSums:
    """Return FACE_SUMS, of the tracks that count."""
    track = cast(Face.run_pk, BigInteger) * _TRACKS_A_RUN + Face.track_id
    begins = case((Face.frame_index == Track.first_frame_index, 1), else_=0)
    query = (
        select(
            Run.source_pk,
            rows.minute.label("start"),
            func.count().label("faces"),
            func.sum(begins).label("tracks_begun"),
            func.count(track.distinct()).label("tracks"),
            *(_labelled(label).label(name) for label, name in LABEL_SUMS.items()),
            *(
                func.sum(
                    cast(func.round(getattr(Face, label) * 1_000_000), BigInteger) * Frame.dwell_ms
                ).label(name)
                for label, name in PROBABILITY_SUMS.items()
            ),
        )
        .select_from(Frame)
        .join(Face, (Face.run_pk == Frame.run_pk) & (Face.frame_index == Frame.frame_index))
        .join(
            Track,
            (Track.run_pk == Face.run_pk)
            & (Track.track_id == Face.track_id)
            & (Track.mark == TrackMark.PERSON),
        )
        .join(Run, Run.id == Frame.run_pk)
    )
    minutes = _by_minute(connection, rows.select_frames(query))
    for sums in minutes.values():
        carried = sums.pop("tracks") - sums.get("tracks_begun", 0)
        if carried:
            sums["tracks_carried"] = carried
    return minutes


def _left_out_sums(connection: Connection, rows: RowRange) -> MinuteSums:
    """Return LEFT_OUT_SUMS, of the tracks that do not count."""
    is_static, is_tentative = (
        Track.mark == mark for mark in (TrackMark.STATIC, TrackMark.TENTATIVE)
    )
    query = (
        select(
            Run.source_pk,
            rows.minute.label("start"),
            func.sum(case((is_static, Frame.dwell_ms), else_=0)).label("static_ms"),
            func.sum(case((is_tentative, Frame.dwell_ms), else_=0)).label("tentative_ms"),
            func.sum(case((is_tentative, 1), else_=0)).label("tentative_tracks"),
        )
        .select_from(Frame)
        .join(Face, (Face.run_pk == Frame.run_pk) & (Face.frame_index == Frame.frame_index))
        .join(Track, (Track.run_pk == Face.run_pk) & (Track.track_id == Face.track_id))
        .join(Run, Run.id == Frame.run_pk)
        .where(Frame.left_out > 0)  # Few frames have such a face.
    )
    return _by_minute(connection, rows.select_frames(query))


def _labelled(label: str) -> ColumnElement[int]:
    is_label = (
        Face.smoothed_emotion.is_(None) if label == UNCERTAIN else Face.smoothed_emotion == label
    )
    return func.sum(case((is_label, Frame.dwell_ms), else_=0))


def _by_minute(connection: Connection, query: _Query) -> MinuteSums:
    found: MinuteSums = {}
    for row in connection.execute(query).mappings():
        sums = {
            name: int(value)
            for name, value in row.items()
            if name not in ("source_pk", "start") and value
        }
        if sums:
            found[row["source_pk"], row["start"]] = sums
    return found
