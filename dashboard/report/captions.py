"""The sentences of a report, in the viewer's language: the captions of its charts."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from analytics.runs.number_text import media_clock
from analytics.runs.reports.report import RunReport, dominant_label
from analytics.runs.timeline import MediaBucket
from contracts.expressions import UNCERTAIN
from dashboard.language.words import _, label_name, n_
from dashboard.web.number_format import listed, seconds_number

_MIN_GAP_S: Final = 1.0
"""Shorter gaps are drawn but not mentioned: every recording has one after its last frame."""


def expressions_caption(report: RunReport) -> str:
    """Describe the stacked bars of the timeline."""
    bars = [bucket.emotions for bucket in report.buckets if sum(bucket.emotions.values())]
    label = dominant_label(report.summary.emotions) or UNCERTAIN
    shown = sum(1 for emotions in bars if emotions.get(label))
    fullest = max(report.buckets, key=lambda bucket: sum(bucket.emotions.values()))
    step_s = report.buckets[0].end_s
    largest = _("The largest bar is at {time}.", time=media_clock(fullest.start_s, step_s))
    width = _("Each bar is {seconds} s.", seconds=seconds_number(step_s))
    name = label_name(label)
    name = name[:1].upper() + name[1:]
    if shown == len(bars):
        part = _("{label} is part of every bar with a face.", label=name)
    else:
        part = n_(
            "{label} is part of {shown} of the {count} bar with a face.",
            "{label} is part of {shown} of the {count} bars with a face.",
            len(bars),
            shown=shown,
            label=name,
        )
    return f"{width} {part} {largest}"


def coverage_caption(report: RunReport) -> str:
    """State the analysed time, the longest gap and the time without a face."""
    analyzed_s = report.summary.coverage.analyzed_s
    sentences = [
        _(
            "{analysed} of {seconds} s were analysed.",
            analysed=seconds_number(analyzed_s),
            seconds=seconds_number(report.span_s),
        )
    ]
    gaps = [gap for gap in _gaps(report.buckets) if gap[1] - gap[0] >= _MIN_GAP_S]
    if gaps and analyzed_s:
        begin, end = (media_clock(at) for at in max(gaps, key=lambda gap: gap[1] - gap[0]))
        if len(gaps) == 1:
            gap = _("Nothing was analysed from {begin} to {end}.", begin=begin, end=end)
        else:
            gap = n_(
                "Nothing was analysed from {begin} to {end}, the longest of {count} gap.",
                "Nothing was analysed from {begin} to {end}, the longest of {count} gaps.",
                len(gaps),
                begin=begin,
                end=end,
            )
        sentences.append(gap)
    if empty_s := sum(bucket.empty_s for bucket in report.buckets):
        seconds = seconds_number(empty_s)
        if report.summary.left_out.text:
            sentences.append(_("Nobody was in view in {seconds} s.", seconds=seconds))
        else:
            sentences.append(_("No face was found in {seconds} s.", seconds=seconds))
    return " ".join(sentences)


def totals_caption(report: RunReport) -> str:
    """Name the two most frequent expressions, and those that did not occur."""
    emotions = report.summary.emotions
    ranked = sorted((one for one in emotions if emotions[one]), key=lambda one: -emotions[one])
    absent = [label_name(one) for one in emotions if not emotions[one]]
    first, *then = (
        _("{label} with {seconds} s", label=label_name(one), seconds=seconds_number(emotions[one]))
        for one in ranked[:2]
    )
    if then:
        sentence = _("Most frequent: {first}, then {second}.", first=first, second=then[0])
    else:
        sentence = _("Most frequent: {first}.", first=first)
    return sentence + (" " + _("Not seen: {names}.", names=listed(absent)) if absent else "")


def tracks_caption(report: RunReport) -> str:
    """State the number of tracks and describe the longest."""
    people = [track for track in report.tracks if track.mark.counts]
    if not people:
        return _("No track counts: the bars are of still faces.")
    longest = people[0]
    first = n_(
        "{count} track; the longest, T{track}, was in view from {begin} to {end}.",
        "{count} tracks; the longest, T{track}, was in view from {begin} to {end}.",
        report.summary.tracks,
        track=longest.track_id,
        begin=media_clock(longest.first_s),
        end=media_clock(longest.end_s),
    )
    rest = _(
        "A bar has the colour of its track's longest expression. "
        "A person who returns is a new track."
    )
    return f"{first} {rest}"


def _gaps(buckets: Iterable[MediaBucket]) -> Iterator[tuple[float, float]]:
    """Yield the begin and end of each gap, in seconds."""
    for is_gap, some in groupby(buckets, key=lambda bucket: bucket.is_gap):
        if is_gap:
            gap = list(some)
            yield gap[0].start_s, gap[-1].end_s
