"""Track timelines: the expression that each track of a run showed, over media time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Subquery, func, select

from analytics.runs.run_list import progress_of
from analytics.runs.summary_steps import (
    COUNTED_TRACK,
    DWELL_BEGIN,
    DWELL_US,
    MAX_ROWS,
    WIDEST,
    StepGrid,
    long_span_us,
)
from contracts.expressions import UNCERTAIN
from contracts.times import MICROS
from records.tables.faces import Face, Frame, Track
from records.tables.summary_steps import FRAMES_TRACK_ID, SummaryStep

MAX_TRACKS: Final = 200
MAX_BUCKETS: Final = 400
"""Buckets of a long run: as many as a screen shows side by side."""
_MAX_GAP_US: Final = 1_000_000
_MIN_MOMENT_S: Final = 0.8
_MAX_MOMENTS: Final = 24
_MIN_EPISODE_S: Final = 0.5
MAX_EPISODES: Final = 2000


@dataclass(frozen=True, slots=True)
class LabelSpan:
    """A time in which a track keeps one label, in seconds of media time."""

    begin_s: float
    end_s: float
    label: str


@dataclass(frozen=True, slots=True)
class TrackTimeline:
    """One track: its spans in order. Between two spans the track was not seen."""

    track: int
    parts: tuple[LabelSpan, ...]


@dataclass(frozen=True, slots=True)
class RunMoment:
    """An expression other than neutral that a track kept for 0.8 s or longer."""

    track: int
    begin_s: float
    end_s: float
    label: str


@dataclass(frozen=True, slots=True)
class RunEpisodes:
    """The expressions other than neutral that a run's tracks kept for half a second or longer.

    episodes: the MAX_EPISODES longest, by onset. left_out: the number of the others. step_s: how
    exact their times are; 0 if they are those of the frames.
    """

    episodes: tuple[RunMoment, ...]
    left_out: int
    step_s: float


@dataclass(frozen=True, slots=True)
class TrackTimelines:
    """timelines: the MAX_TRACKS longest tracks, by track id. left_out: the number of the others.

    moments: the longest, in order of time. step_s: of a long run, the width of a bucket, which has
    the label that was shown longest in it; 0 if every change of label is included.
    """

    timelines: tuple[TrackTimeline, ...]
    left_out: int
    moments: tuple[RunMoment, ...]
    step_s: float


@dataclass(slots=True)
class _OpenSpan:
    begin_us: int
    end_us: int
    label: str

    def close(self) -> LabelSpan:
        return LabelSpan(self.begin_us / MICROS, self.end_us / MICROS, self.label)


def track_timelines(connection: Connection, run_id: str) -> TrackTimelines:
    """Return the timelines of a run's tracks; those of a long run in at most MAX_BUCKETS buckets.

    Raises RunNotFoundError.
    """
    run = progress_of(connection, run_id)
    if run.stepped and run.frames_analyzed + run.faces > MAX_ROWS:
        grid = StepGrid.over(long_span_us(run), MAX_BUCKETS)
        spans = _spans_of_steps(connection, run.id, grid)
        tracks, step_s = _track_count(connection, run.id), grid.width_us / MICROS
    else:
        spans = _spans_of_rows(connection, run.id)
        tracks, step_s = len(spans), 0.0
    longest = sorted(spans, key=lambda track: -sum(p.end_s - p.begin_s for p in spans[track]))
    kept = sorted(longest[:MAX_TRACKS])
    timelines = tuple(TrackTimeline(track, tuple(spans[track])) for track in kept)
    return TrackTimelines(timelines, tracks - len(kept), _moments(timelines), step_s)


def run_episodes(connection: Connection, run_id: str) -> RunEpisodes:
    """Return the episodes of a run's MAX_TRACKS longest tracks. Raises RunNotFoundError."""
    found = track_timelines(connection, run_id)
    episodes = _shown_for(found.timelines, _MIN_EPISODE_S)
    kept = _longest(episodes, MAX_EPISODES)
    return RunEpisodes(kept, len(episodes) - len(kept), found.step_s)


def _spans_of_rows(connection: Connection, run_pk: int) -> Mapping[int, list[LabelSpan]]:
    """Return the spans of each track, from all rows of the run, as long as their frames' dwells.

    Frames without the track divide a span if they are more than a second.
    """
    query = (
        select(
            Face.track_id,
            DWELL_BEGIN.label("begin_us"),
            DWELL_US.label("dwell_us"),
            Face.smoothed_emotion,
        )
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .join(Track, COUNTED_TRACK)
        .where(Face.run_pk == run_pk)
        .order_by(Face.frame_index)
        .execution_options(yield_per=10_000)
    )
    spans: dict[int, list[LabelSpan]] = {}
    open_: dict[int, _OpenSpan] = {}
    for track, begin_us, dwell_us, emotion in connection.execute(query):
        label, end_us = emotion or UNCERTAIN, begin_us + dwell_us
        one = open_.get(track)
        follows = one is not None and begin_us <= one.end_us + max(_MAX_GAP_US - dwell_us, 0)
        if one is not None and one.label == label and follows:
            one.end_us = max(end_us, one.end_us)
            continue
        if one is not None:
            spans.setdefault(track, []).append(one.close())
        known_us = one.end_us if one is not None else 0
        open_[track] = _OpenSpan(max(begin_us, known_us), max(end_us, known_us), label)
    for track, one in open_.items():
        spans.setdefault(track, []).append(one.close())
    return spans


def _spans_of_steps(
    connection: Connection, run_pk: int, grid: StepGrid
) -> Mapping[int, list[LabelSpan]]:
    """Return, for the tracks seen longest, the label shown longest in each bucket."""
    shown = _longest_labels(run_pk, grid)
    rows = connection.execute(
        select(
            shown.c.track_id,
            shown.c.bucket,
            shown.c.label,
            Track.first_media_time_us,
            Track.last_media_time_us,
        )
        .join(Track, (Track.run_pk == run_pk) & (Track.track_id == shown.c.track_id))
        .where(shown.c.place == 1)
        .order_by(shown.c.track_id, shown.c.bucket)
    )
    spans: dict[int, list[LabelSpan]] = {}
    for track, at, label, first_us, last_us in rows:
        begin_s = max(at * grid.width_us, first_us) / MICROS
        end_s = min((at + 1) * grid.width_us, last_us) / MICROS
        of_track = spans.setdefault(track, [])
        if of_track and of_track[-1].end_s == begin_s and of_track[-1].label == label:
            of_track[-1] = LabelSpan(of_track[-1].begin_s, end_s, label)
        elif begin_s < end_s:
            of_track.append(LabelSpan(begin_s, end_s, label))
    return {track: of_track for track, of_track in spans.items() if of_track}


def _longest_labels(run_pk: int, grid: StepGrid) -> Subquery:
    """Select (track_id, bucket, label, place); place 1 is the label shown longest in a bucket."""
    chosen = (
        select(SummaryStep.track_id)
        .where(
            SummaryStep.run_pk == run_pk,
            SummaryStep.width_s == WIDEST,
            SummaryStep.track_id != FRAMES_TRACK_ID,
        )
        .group_by(SummaryStep.track_id)
        .order_by(func.sum(SummaryStep.time_us).desc(), SummaryStep.track_id)
        .limit(MAX_TRACKS)
        .cte("chosen")
    )
    bucket = grid.bucket
    return (
        select(
            SummaryStep.track_id,
            bucket.label("bucket"),
            SummaryStep.label,
            func.row_number()
            .over(
                partition_by=(SummaryStep.track_id, bucket),
                order_by=(func.sum(SummaryStep.time_us).desc(), SummaryStep.label),
            )
            .label("place"),
        )
        .where(*grid.steps_of(run_pk), SummaryStep.track_id.in_(select(chosen.c.track_id)))
        .group_by(SummaryStep.track_id, bucket, SummaryStep.label)
        .subquery()
    )


def _track_count(connection: Connection, run_pk: int) -> int:
    """Count the tracks that have faces."""
    query = select(func.count(SummaryStep.track_id.distinct())).where(
        SummaryStep.run_pk == run_pk,
        SummaryStep.width_s == WIDEST,
        SummaryStep.track_id != FRAMES_TRACK_ID,
    )
    return int(connection.execute(query).scalar_one())


def _moments(timelines: tuple[TrackTimeline, ...]) -> tuple[RunMoment, ...]:
    return _longest(_shown_for(timelines, _MIN_MOMENT_S), _MAX_MOMENTS)


def _shown_for(timelines: tuple[TrackTimeline, ...], least_s: float) -> list[RunMoment]:
    """Return the expressions other than neutral that a track kept for so long."""
    return [
        RunMoment(timeline.track, part.begin_s, part.end_s, part.label)
        for timeline in timelines
        for part in timeline.parts
        if part.label not in {"neutral", UNCERTAIN} and part.end_s - part.begin_s >= least_s
    ]


def _longest(found: list[RunMoment], count: int) -> tuple[RunMoment, ...]:
    """Return the longest, in order of time."""
    longest = sorted(found, key=lambda one: one.begin_s - one.end_s)[:count]
    return tuple(sorted(longest, key=lambda one: (one.begin_s, one.track)))
