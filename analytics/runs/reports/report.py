"""Run reports: one run's numbers, timeline and longest tracks, for a document about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from analytics.runs.run_list import progress_of
from analytics.runs.run_summary import RunSummary, run_summary
from analytics.runs.summary_steps import COUNTED_TRACK, LABEL, Query, steps_by_track
from analytics.runs.timeline import MediaBucket, run_timeline
from contracts.expressions import LABELS
from contracts.frame_results import TrackMark
from contracts.times import MICROS
from records.tables.faces import Face, Frame, Track

MAX_BUCKETS: Final = 120
MAX_TRACKS: Final = 200
_FRAMES_PER_BUCKET: Final = 3
"""With fewer frames a bucket, their number would vary from bucket to bucket by chance."""
_MIN_SPAN_S: Final = 0.001
"""A shorter run is a single image: no time passes in it."""


@dataclass(frozen=True, slots=True)
class TrackSpan:
    """One track in media time. emotions: person-seconds by smoothed label, without zeros.

    mark: PERSON, or STATIC: a still face, which has no person-seconds.
    """

    track_id: int
    first_s: float
    last_s: float
    faces: int
    emotions: Mapping[str, float]
    mark: TrackMark = TrackMark.PERSON

    @property
    def end_s(self) -> float:
        """When it went out of view: its last face stands for some time, too."""
        return max(self.last_s, self.first_s + sum(self.emotions.values()))

    @property
    def dominant(self) -> str | None:
        """The label that was shown longest; None if no time passed."""
        return dominant_label(self.emotions)


@dataclass(frozen=True, slots=True)
class RunReport:
    """buckets: equal steps from media time 0 to the end. tracks: the longest, longest first.

    Tracks that were seen in one frame only are not among them.
    """

    summary: RunSummary
    buckets: tuple[MediaBucket, ...]
    tracks: tuple[TrackSpan, ...]

    @property
    def span_s(self) -> float:
        """The length of the run in seconds of media time."""
        return self.buckets[-1].end_s

    @property
    def is_single_image(self) -> bool:
        """Whether no time passes in the run."""
        return self.span_s < _MIN_SPAN_S

    @property
    def tracks_left_out(self) -> int:
        """The number of tracks that count and are not among the longest."""
        return self.summary.tracks - sum(one.mark.counts for one in self.tracks)

    @property
    def person_s(self) -> float:
        """All person-seconds."""
        return sum(self.summary.emotions.values())

    @property
    def stored_frames(self) -> int:
        """Analysed frames whose rows are stored; after retention fewer than were analysed."""
        return sum(bucket.frames for bucket in self.buckets)

    @property
    def has_timeline(self) -> bool:
        """Whether the times of expressions are known; after retention only their sums are."""
        return any(any(bucket.emotions.values()) for bucket in self.buckets)


def run_report(connection: Connection, run_id: str) -> RunReport:
    """Return the report of a run, finished or not. Raises RunNotFoundError."""
    summary = run_summary(connection, run_id)
    steps = min(MAX_BUCKETS, max(1, summary.frames_analyzed // _FRAMES_PER_BUCKET))
    buckets = run_timeline(connection, run_id, steps)
    run = progress_of(connection, run_id)
    tracks = _longest_tracks(connection, run.id, stepped=bool(run.stepped))
    return RunReport(summary, buckets, tracks)


def dominant_label(amounts: Mapping[str, float]) -> str | None:
    """Return the label with the largest amount, the first among equals; None if all are 0."""
    best = max(LABELS, key=lambda label: amounts.get(label, 0))
    return best if amounts.get(best) else None


def _longest_tracks(connection: Connection, run_pk: int, *, stepped: bool) -> tuple[TrackSpan, ...]:
    """Read the longest tracks and their labels in one statement.

    If the run has no summary steps, all its faces are read once.
    """
    length = Track.last_media_time_us - Track.first_media_time_us
    chosen = (
        select(Track)
        .where(Track.run_pk == run_pk, Track.mark != TrackMark.TENTATIVE)
        .order_by(length.desc(), Track.track_id)
        .limit(MAX_TRACKS)
        .cte("chosen")
    )
    tracks = select(chosen.c.track_id)
    shown = (steps_by_track if stepped else _rows_by_track)(run_pk, tracks).subquery()
    begin, end = chosen.c.first_media_time_us, chosen.c.last_media_time_us
    rows = connection.execute(
        select(chosen, shown.c.label, shown.c.dwell_ms)
        .outerjoin(shown, shown.c.track_id == chosen.c.track_id)
        .order_by((end - begin).desc(), chosen.c.track_id)
    )
    emotions: dict[int, dict[str, float]] = {}
    spans: dict[int, TrackSpan] = {}
    for row in rows:
        seconds = emotions.setdefault(row.track_id, {})
        if row.dwell_ms:
            seconds[row.label] = int(row.dwell_ms) / 1000
        spans[row.track_id] = TrackSpan(
            row.track_id,
            row.first_media_time_us / MICROS,
            row.last_media_time_us / MICROS,
            row.faces,
            seconds,
            TrackMark(row.mark),
        )
    return tuple(spans.values())


def _rows_by_track(run_pk: int, tracks: Query) -> Query:
    return (
        select(Face.track_id, LABEL.label("label"), func.sum(Frame.dwell_ms).label("dwell_ms"))
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .join(Track, COUNTED_TRACK)
        .where(Face.run_pk == run_pk, Face.track_id.in_(tracks))
        .group_by(Face.track_id, LABEL)
    )
