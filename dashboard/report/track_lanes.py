"""The chart of a report's tracks: a lane for each of the longest."""

from dataclasses import dataclass
from typing import Final

from analytics.runs.number_text import media_clock
from analytics.runs.reports.report import RunReport, TrackSpan
from contracts.frame_results import TrackMark
from dashboard.language.words import _, label_name
from dashboard.report.chart_geometry import AXIS_PX, Span, Table, TimeAxis, time_axis
from dashboard.web.number_format import count, percent, seconds_number

_LANE_PX: Final = 36
_MAX_LANES: Final = 20


@dataclass(frozen=True, slots=True)
class Lane:
    """A track as a horizontal bar. text_at: percent, where its text starts or ends (anchor)."""

    name: str
    y: int
    kind: str
    span: Span
    text: str
    text_at: float
    anchor: str


@dataclass(frozen=True, slots=True)
class TracksChart:
    """The longest tracks, by their begin. more: how many are not drawn."""

    height: int
    axis: TimeAxis
    lanes: tuple[Lane, ...]
    more: int
    table: Table


def tracks_chart(report: RunReport) -> TracksChart:
    """Return a lane for each of the longest tracks."""
    drawn = sorted(report.tracks[:_MAX_LANES], key=lambda one: (one.first_s, one.track_id))
    height = _LANE_PX * len(drawn)
    rows = tuple(
        (
            f"T{one.track_id}",
            media_clock(one.first_s),
            media_clock(one.end_s),
            count(one.faces),
            _dominant_text(one),
        )
        for one in report.tracks
    )
    return TracksChart(
        height=height + AXIS_PX,
        axis=time_axis(report, height),
        lanes=tuple(_lane(report, track, _LANE_PX * row) for row, track in enumerate(drawn)),
        more=len(report.tracks) + report.tracks_left_out - len(drawn),
        table=Table(_("Tracks"), (_("track"), _("from"), _("to"), _("faces"), _("mostly")), rows),
    )


def _lane(report: RunReport, track: TrackSpan, y: int) -> Lane:
    begin, end = (min(at / report.span_s, 1) * 100 for at in (track.first_s, track.end_s))
    # The text starts where the bar starts or ends where it ends, wherever there is more room.
    text_at, anchor = (begin, "start") if 100 - begin >= end else (end, "end")
    return Lane(
        name=f"T{track.track_id}",
        y=y,
        kind=track.dominant or "missing",
        span=Span(begin, max(end - begin, 0.4)),
        text=_dominant_text(track),
        text_at=text_at,
        anchor=anchor,
    )


def _dominant_text(track: TrackSpan) -> str:
    if track.mark is TrackMark.STATIC:
        return _("still face, left out")
    if track.dominant is None:
        return _("seen for a moment")
    total = sum(track.emotions.values())
    return _(
        "{label} {share} of {seconds} s",
        label=label_name(track.dominant),
        share=percent(track.emotions[track.dominant] / total),
        seconds=seconds_number(total),
    )
