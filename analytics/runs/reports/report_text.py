"""Sentences about a run: its headline and the captions of its charts."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from analytics.runs.number_text import count_text, media_clock, percent, seconds_text
from analytics.runs.reports.report import RunReport, dominant_label
from analytics.runs.timeline import MediaBucket
from contracts.expressions import UNCERTAIN
from contracts.runs import RunKind, RunState

_MIN_GAP_S: Final = 1.0
"""Shorter gaps are drawn but not mentioned: every recording has one after its last frame."""
_UNFINISHED: Final = {
    RunState.QUEUED: "The run has not begun.",
    RunState.RUNNING: "The run is not finished: these are its numbers so far.",
    RunState.FAILED: "The run failed before its end.",
    RunState.CANCELLED: "The run was cancelled before its end.",
}


def headline(report: RunReport) -> str:
    """Return sentences: the main expression, its certainty, the analysed part, what is left out."""
    unfinished = _UNFINISHED.get(report.summary.state)
    left_out, turned = report.summary.left_out.text, report.summary.turned
    sentences = (
        f"{'; '.join((_seen(report), *_covered(report)))}.",
        f"Left out: {left_out}." if left_out else None,
        f"{turned.text}." if turned else None,
        unfinished,
    )
    return " ".join(sentence for sentence in sentences if sentence)


def expressions_caption(report: RunReport) -> str:
    """Describe the stacked bars of the timeline."""
    bars = [bucket.emotions for bucket in report.buckets if sum(bucket.emotions.values())]
    label = dominant_label(report.summary.emotions) or UNCERTAIN
    shown = sum(1 for emotions in bars if emotions.get(label))
    fullest = max(report.buckets, key=lambda bucket: sum(bucket.emotions.values()))
    step_s = report.buckets[0].end_s
    part = "every bar" if shown == len(bars) else f"{shown} of the {count_text(len(bars), 'bar')}"
    return (
        f"Each bar is {seconds_text(step_s)} s. {label.capitalize()} is part of {part} with a "
        f"face; the largest bar is at {media_clock(fullest.start_s, step_s)}."
    )


def coverage_caption(report: RunReport) -> str:
    """State the analysed time, the longest gap and the time without a face."""
    analyzed_s = report.summary.coverage.analyzed_s
    caption = f"{seconds_text(analyzed_s)} of {seconds_text(report.span_s)} s were analysed."
    gaps = [gap for gap in _gaps(report.buckets) if gap[1] - gap[0] >= _MIN_GAP_S]
    if gaps and analyzed_s:
        begin, end = (media_clock(at) for at in max(gaps, key=lambda gap: gap[1] - gap[0]))
        others = f", the longest of {len(gaps)} gaps" if len(gaps) > 1 else ""
        caption += f" Nothing was analysed from {begin} to {end}{others}."
    if empty_s := sum(bucket.empty_s for bucket in report.buckets):
        nobody = "Nobody was in view" if report.summary.left_out.text else "No face was found"
        caption += f" {nobody} in {seconds_text(empty_s)} s."
    return caption


def totals_caption(report: RunReport) -> str:
    """Name the two most frequent expressions, and those that did not occur."""
    emotions = report.summary.emotions
    ranked = sorted((one for one in emotions if emotions[one]), key=lambda one: -emotions[one])
    absent = ", ".join(one for one in emotions if not emotions[one])
    first = ", then ".join(f"{one} with {seconds_text(emotions[one])} s" for one in ranked[:2])
    return f"Most frequent: {first}." + (f" Not seen: {absent}." if absent else "")


def tracks_caption(report: RunReport) -> str:
    """State the number of tracks and describe the longest."""
    people = [track for track in report.tracks if track.mark.counts]
    if not people:
        return "No track counts: the bars are of still faces."
    count, longest = report.summary.tracks, people[0]
    return (
        f"{count_text(count, 'track')}; the longest, T{longest.track_id}, was in view from "
        f"{media_clock(longest.first_s)} to {media_clock(longest.end_s)}. A bar has the colour "
        "of its track's longest expression. A person who returns is a new track."
    )


def _seen(report: RunReport) -> str:
    summary, total = report.summary, report.person_s
    if not summary.frames_analyzed:
        return "No frame was analysed"
    if not summary.faces:
        return "No person was found" if summary.left_out.text else "No face was found"
    if not total and not report.stored_frames:
        return "The rows of this run were removed, so its expressions are not known"
    if not total:
        found = ", ".join(
            f"{label} {n:,}" for one in report.buckets for label, n in one.faces.items()
        )
        faces = f"{count_text(summary.faces, 'face')} ({found})"
        return f"{faces} at a single moment, so there are no person-seconds"
    label = dominant_label(summary.emotions)
    share = summary.emotions[label or UNCERTAIN] / total
    how = "Mostly" if share > 0.5 else "Most often"
    first = f"{how} {label} ({percent(share)} of {seconds_text(total)} person-seconds)"
    if label == UNCERTAIN:
        return f"{first}, so the expressions are mostly unknown"
    return f"{first}; {percent(summary.coverage.uncertain_share or 0)} uncertain"


def _covered(report: RunReport) -> tuple[str, ...]:
    """Return clauses on the analysed part and on removed rows; none for a single image."""
    analyzed_s = report.summary.coverage.analyzed_s
    if report.is_single_image or not analyzed_s:
        return ()
    what = "recording" if report.summary.kind == RunKind.FILE else "time"
    covered = f"{percent(min(analyzed_s / report.span_s, 1))} of the {what} was analysed"
    if report.person_s and not report.has_timeline:
        return (covered, "the times of the expressions were removed")
    return (covered,)


def _gaps(buckets: Iterable[MediaBucket]) -> Iterator[tuple[float, float]]:
    """Yield the begin and end of each gap, in seconds."""
    for is_gap, some in groupby(buckets, key=lambda bucket: bucket.is_gap):
        if is_gap:
            gap = list(some)
            yield gap[0].start_s, gap[-1].end_s
