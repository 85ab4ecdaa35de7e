"""The report of a run as one HTML file: no script, no other files, light and dark.

Charts are drawn in percent of their width instead of in a viewBox: they fit any width, and their
texts and hatches keep their size on a phone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.runs.number_text import count_text
from analytics.runs.reports.report import RunReport
from analytics.runs.reports.report_text import (
    coverage_caption,
    expressions_caption,
    headline,
    totals_caption,
    tracks_caption,
)
from contracts.expressions import DARK_THEME, LIGHT_THEME, ThemeColours
from contracts.zones.zone import zones_text
from dashboard.report.charts import coverage_chart, expression_chart, totals_chart, tracks_chart
from dashboard.web.palette import STACK
from dashboard.web.templates import template

_TEMPLATE: Final = Path(__file__).with_name("page.html")
_LIGHT: Final = {
    "analysed": "#495057",
    "page": "#F6F7F9",
    "card": "#FFFFFF",
    "text": "#1B1D22",
    "muted": "#5A5F69",
    "line": "#E1E4E8",
}
_DARK: Final = {
    "analysed": "#ADB5BD",
    "page": "#1A1B1E",
    "card": "#212226",
    "text": "#E8EAED",
    "muted": "#A9AEB8",
    "line": "#36393F",
}


@dataclass(frozen=True, slots=True)
class _Captions:
    """The sentence of each chart; "" where the chart is not drawn."""

    expressions: str
    coverage: str
    totals: str
    tracks: str


def report_page(report: RunReport) -> str:
    """Return the page. All text from the data is escaped."""
    has_coverage = not report.is_single_image and (
        report.stored_frames > 0 or not report.summary.frames_analyzed
    )
    has_tracks = bool(report.tracks) and not report.is_single_image
    has_totals = report.person_s > 0
    light, dark = page_colours()
    page = template(_TEMPLATE).render(
        summary=report.summary,
        recorded=_recorded(report),
        headline=headline(report),
        expressions=expression_chart(report) if report.has_timeline else None,
        coverage=coverage_chart(report) if has_coverage else None,
        totals=totals_chart(report) if has_totals else None,
        tracks=tracks_chart(report) if has_tracks else None,
        captions=_Captions(
            expressions_caption(report) if report.has_timeline else "",
            coverage_caption(report) if has_coverage else "",
            totals_caption(report) if has_totals else "",
            tracks_caption(report) if has_tracks else "",
        ),
        facts=_facts(report),
        light=light,
        dark=dark,
        filled=(*STACK, "analysed"),
    )
    return page.lstrip().replace(" %", "\u00a0%")  # A number and its percent sign stay together.


def page_colours() -> tuple[dict[str, str], dict[str, str]]:
    """Return the colours of a light and a dark page without the bundle, by name."""
    return _colours(LIGHT_THEME) | _LIGHT, _colours(DARK_THEME) | _DARK


def _recorded(report: RunReport) -> str:
    summary = report.summary
    if not summary.recorded_at:
        return "at an unknown time"
    return f"{summary.recorded_at:%Y-%m-%d %H:%M:%S} UTC, {summary.recorded_text}"


def _colours(theme: ThemeColours) -> dict[str, str]:
    return {**theme.labels, "hatch": theme.hatch, "missing": theme.no_coverage}


def _facts(report: RunReport) -> dict[str, str]:
    summary, coverage = report.summary, report.summary.coverage
    dropped = ", ".join(f"{cause} {count:,}" for cause, count in coverage.dropped.items())
    fps = summary.sampling_fps
    analysed = f"{summary.frames_analyzed:,}"
    if report.stored_frames < summary.frames_analyzed:
        analysed += f", of which {report.stored_frames:,} are still kept"
    return {
        "State": f"{summary.state}{': ' + summary.error if summary.error else ''}",
        "Frames captured": f"{coverage.captured:,}",
        "Frames analysed": analysed,
        "Skipped by sampling": f"{coverage.sampled_out:,}",
        "Dropped, by cause": dropped or "none",
        "Faces": f"{summary.faces:,}, in {count_text(summary.tracks, 'track')}",
        "Left out of all numbers": summary.left_out.text or "nothing",
        "Zones": zones_text(summary.zones) or "none: the whole picture",
        "Sampling": f"at most {fps:g} frames/s" if fps else "every frame",
        "Model": summary.model_version,
        "Detector": summary.detector,
        "Person-second": "one face in view for one second, counted by its smoothed expression",
        "Analysed time": "the time that the analysed frames stand for: in a recording, each until "
        "the next one; a gap between frames is not analysed",
    }
