"""One run as a report to hand on: its numbers, its timeline, its tracks, and what they say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select

from analytics.runs.run_list import LABELS, RunSummary, run_not_found, run_summary
from analytics.runs.step_sums import LABEL, Query, of_tracks
from analytics.runs.timeline import Bucket, run_timeline
from analytics.snapshots import snapshot
from contracts.expressions import UNCERTAIN
from contracts.runs import RunKind, RunState
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run, RunProgress

MOST_BUCKETS: Final = 120
MOST_TRACKS: Final = 200
_FRAMES_A_BUCKET: Final = 3
"""Fewer would show the beat of frames against buckets, and not what was seen."""
_MICROS: Final = 1_000_000
_STILL_S: Final = 0.001
"""What is shorter has no time in it that could be shared out: a still."""
_GAP_S: Final = 1.0
"""A shorter gap is drawn, but is no news: after its last frame, each recording has one."""
_UNFINISHED: Final = {
    RunState.QUEUED: "The run has not begun.",
    RunState.RUNNING: "The run goes on: these are its numbers so far.",
    RunState.FAILED: "The run failed before its end.",
    RunState.CANCELLED: "The run was cancelled before its end.",
}


@dataclass(frozen=True, slots=True)
class TrackSpan:
    """One track in media time. emotions: person-seconds by smoothed label, only what occurs."""

    track_id: int
    first_s: float
    last_s: float
    faces: int
    emotions: Mapping[str, float]

    @property
    def dominant(self) -> str | None:
        """The label that was shown longest; None where no time passed."""
        return most(self.emotions)


@dataclass(frozen=True, slots=True)
class RunReport:
    """buckets: equal steps from media time 0 to the end. tracks: the longest, longest first."""

    summary: RunSummary
    buckets: tuple[Bucket, ...]
    tracks: tuple[TrackSpan, ...]

    @property
    def span_s(self) -> float:
        return self.buckets[-1].end_s

    @property
    def is_still(self) -> bool:
        return self.span_s < _STILL_S

    @property
    def person_s(self) -> float:
        return sum(self.summary.emotions.values())

    @property
    def frames_kept(self) -> int:
        """Analysed frames whose rows are there: fewer than were analysed, after retention."""
        return sum(bucket.frames for bucket in self.buckets)

    @property
    def has_course(self) -> bool:
        """Whether it is known when something was shown: after retention only the sums are."""
        return any(any(bucket.emotions.values()) for bucket in self.buckets)


def run_report(engine: Engine, run_id: str) -> RunReport:
    """The run as it is now. Raises RunNotFoundError.

    The parts of a run that goes on are read one after the other, and may be some frames apart.
    """
    summary = run_summary(engine, run_id)
    steps = min(MOST_BUCKETS, max(1, summary.frames_analyzed // _FRAMES_A_BUCKET))
    buckets = run_timeline(engine, run_id, steps)
    with snapshot(engine) as connection:
        run = connection.execute(
            select(Run.id, RunProgress.stepped)
            .outerjoin(RunProgress, RunProgress.run_pk == Run.id)
            .where(Run.run_id == run_id)
        ).first()
        if run is None:
            raise run_not_found(run_id)
        tracks = _longest_tracks(connection, run.id, stepped=bool(run.stepped))
        return RunReport(summary, buckets, tracks)


def report_json(report: RunReport) -> dict[str, Any]:
    """The report as JSON values: moments as ISO 8601, times in seconds."""
    return {
        "summary": _plain(asdict(report.summary)),
        "headline": headline(report),
        "timeline": [_plain(asdict(one)) | {"is_gap": one.is_gap} for one in report.buckets],
        "tracks": [_plain(asdict(one)) for one in report.tracks],
        "tracks_left_out": report.summary.tracks - len(report.tracks),
    }


def headline(report: RunReport) -> str:
    """What was seen, how sure that is, and of how much of the source: one or two sentences."""
    unfinished = _UNFINISHED.get(report.summary.state)
    sentence = f"{'; '.join((_seen(report), *_covered(report)))}."
    return f"{sentence} {unfinished}" if unfinished else sentence


def expressions_caption(report: RunReport) -> str:
    """What the stacked bars show."""
    bars = [bucket.emotions for bucket in report.buckets if sum(bucket.emotions.values())]
    label = most(report.summary.emotions) or UNCERTAIN
    shown = sum(1 for emotions in bars if emotions.get(label))
    fullest = max(report.buckets, key=lambda bucket: sum(bucket.emotions.values()))
    step_s = report.buckets[0].end_s
    part = "every bar" if shown == len(bars) else f"{shown} of the {counted(len(bars), 'bar')}"
    return (
        f"Each bar is {quantity(step_s)} s. {label.capitalize()} is part of {part} with a face; "
        f"most was seen at {clock(fullest.start_s, step_s)}."
    )


def coverage_caption(report: RunReport) -> str:
    """How much was analysed, and the longest stretch of which nothing is known."""
    analyzed_s = report.summary.coverage.analyzed_s
    caption = f"{quantity(analyzed_s)} of {quantity(report.span_s)} s were analysed."
    gaps = [gap for gap in _gaps(report.buckets) if gap[1] - gap[0] >= _GAP_S]
    if gaps and analyzed_s:
        begin, end = (clock(at) for at in max(gaps, key=lambda gap: gap[1] - gap[0]))
        others = f", the longest of {len(gaps)} such stretches" if len(gaps) > 1 else ""
        caption += f" Nothing at all is known of {begin} to {end}{others}."
    if empty_s := sum(bucket.empty_s for bucket in report.buckets):
        caption += f" In {quantity(empty_s)} s no face was found."
    return caption


def totals_caption(report: RunReport) -> str:
    """The two expressions that were seen most, and those that were not."""
    emotions = report.summary.emotions
    ranked = sorted((one for one in emotions if emotions[one]), key=lambda one: -emotions[one])
    absent = ", ".join(one for one in emotions if not emotions[one])
    first = ", then ".join(f"{one} with {quantity(emotions[one])} s" for one in ranked[:2])
    return f"Most is {first}." + (f" Never seen: {absent}." if absent else "")


def tracks_caption(report: RunReport) -> str:
    """How many tracks there are, and the longest."""
    count, longest = report.summary.tracks, report.tracks[0]
    return (
        f"{counted(count, 'track')}; the longest, T{longest.track_id}, was in view from "
        f"{clock(longest.first_s)} to {clock(longest.last_s)}. A bar has the colour "
        "of what its track showed longest; a person who returns is a new track."
    )


def most(shares: Mapping[str, float]) -> str | None:
    """The label with the largest part, the first of LABELS among equals; None of nothing."""
    best = max(LABELS, key=lambda label: shares.get(label, 0))
    return best if shares.get(best) else None


def percent(share: float) -> str:
    """0..1 in words that round neither something to nothing nor a part to the whole."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{share:.0%}".replace("%", " %")


def quantity(seconds: float) -> str:
    """Seconds with the digits that say something: 1,234, 41.3 or 0.25."""
    if seconds >= 100 or seconds == int(seconds):
        return f"{seconds:,.0f}"
    return f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2g}"


def counted(count: int, noun: str) -> str:
    """1 face, 2 faces."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def clock(seconds: float, step_s: float = 1) -> str:
    """Media time as 1:02:03 or 2:03; with decimals where the steps are shorter than a second."""
    decimals = 0 if step_s >= 1 else 1 if step_s >= 0.1 else 2
    # The decimals are split off first, or 59.96 would be shown as 0:60.0.
    units, part = divmod(round(seconds * 10**decimals), 10**decimals)
    minutes, whole = divmod(units, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"
    return f"{text}.{part:0{decimals}}" if decimals else text


def _seen(report: RunReport) -> str:
    summary, total = report.summary, report.person_s
    if not summary.frames_analyzed:
        return "No frame was analysed, so nothing can be said of who was seen"
    if not summary.faces:
        return "No face was found"
    if not total and not report.frames_kept:
        return "The rows of this run are no longer kept, so nothing can be said of who was seen"
    if not total:
        found = ", ".join(
            f"{label} {n:,}" for one in report.buckets for label, n in one.faces.items()
        )
        faces = f"{counted(summary.faces, 'face')} ({found})"
        return f"{faces} at a single moment, which makes no person-seconds"
    label = most(summary.emotions)
    share = summary.emotions[label or UNCERTAIN] / total
    how = "Mostly" if share > 0.5 else "Most often"
    first = f"{how} {label} ({percent(share)} of {quantity(total)} person-seconds)"
    if label == UNCERTAIN:
        return f"{first}, so little can be said of the expressions"
    return f"{first}; {percent(summary.coverage.uncertain_share or 0)} uncertain"


def _covered(report: RunReport) -> tuple[str, ...]:
    """How much was analysed, as a clause, and what is gone; nothing of a still."""
    analyzed_s = report.summary.coverage.analyzed_s
    if report.is_still or not analyzed_s:
        return ()
    what = "recording" if report.summary.kind == RunKind.FILE else "time"
    covered = f"{percent(min(analyzed_s / report.span_s, 1))} of the {what} was analysed"
    if report.person_s and not report.has_course:
        return (covered, "when what was shown is no longer kept")
    return (covered,)


def _longest_tracks(connection: Connection, run_pk: int, *, stepped: bool) -> tuple[TrackSpan, ...]:
    """One row a label of each chosen track, in one statement.

    Where the run's steps are not kept, it reads the run's faces once.
    """
    length = Track.last_media_time_us - Track.first_media_time_us
    chosen = (
        select(Track)
        .where(Track.run_pk == run_pk)
        .order_by(length.desc(), Track.track_id)
        .limit(MOST_TRACKS)
        .cte("chosen")
    )
    tracks = select(chosen.c.track_id)
    shown = (of_tracks if stepped else _by_rows)(run_pk, tracks).subquery()
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
            row.first_media_time_us / _MICROS,
            row.last_media_time_us / _MICROS,
            row.faces,
            seconds,
        )
    return tuple(spans.values())


def _by_rows(run_pk: int, tracks: Query) -> Query:
    return (
        select(Face.track_id, LABEL.label("label"), func.sum(Frame.dwell_ms).label("dwell_ms"))
        .join(Frame, (Frame.run_pk == Face.run_pk) & (Frame.frame_index == Face.frame_index))
        .where(Face.run_pk == run_pk, Face.track_id.in_(tracks))
        .group_by(Face.track_id, LABEL)
    )


def _gaps(buckets: Iterable[Bucket]) -> Iterator[tuple[float, float]]:
    """The stretches of which nothing is known, begin and end."""
    for is_gap, some in groupby(buckets, key=lambda bucket: bucket.is_gap):
        if is_gap:
            stretch = list(some)
            yield stretch[0].start_s, stretch[-1].end_s


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
