"""The report of a run as one HTML file: no script, no other files, light and dark.

Charts are drawn in percent of their width instead of in a viewBox: they fit any width, and their
texts and hatches keep their size on a phone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.runs.reports.report import RunReport
from analytics.runs.reports.report_text import headline
from contracts.expressions import DARK_THEME, LIGHT_THEME, ThemeColours
from contracts.frames import DropCause
from contracts.runs import RunState
from contracts.zones.zone import zones_text
from dashboard.language.core.recognition import known
from dashboard.language.words import N_, _, n_
from dashboard.report.captions import (
    coverage_caption,
    expressions_caption,
    totals_caption,
    tracks_caption,
)
from dashboard.report.charts import coverage_chart, expression_chart, totals_chart
from dashboard.report.track_lanes import tracks_chart
from dashboard.web.number_format import count
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
_STATES: Final = {
    RunState.QUEUED: N_("queued"),
    RunState.RUNNING: N_("running"),
    RunState.DONE: N_("done"),
    RunState.FAILED: N_("failed"),
    RunState.CANCELLED: N_("cancelled"),
}

_CAUSES: Final = {
    DropCause.CORRUPT: N_("not decodable"),
    DropCause.NEWEST: N_("replaced by a newer frame"),
    DropCause.BROKER_FULL: N_("the broker's memory was full"),
    DropCause.BROKER_LOST: N_("lost by the broker"),
    DropCause.POISON: N_("dead letters"),
}


@dataclass(frozen=True, slots=True)
class _Captions:
    """The sentence of each chart; "" where the chart is not drawn."""

    expressions: str
    coverage: str
    totals: str
    tracks: str


def report_page(report: RunReport) -> str:
    """Return the page, in the viewer's language. All text from the data is escaped."""
    has_coverage = not report.is_single_image and (
        report.stored_frames > 0 or not report.summary.frames_analyzed
    )
    has_tracks = bool(report.tracks) and not report.is_single_image
    has_totals = report.person_s > 0
    light, dark = page_colours()
    page = template(_TEMPLATE).render(
        summary=report.summary,
        recorded=_recorded(report),
        headline=known(headline(report)),
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
        count=count,
    )
    return page.lstrip().replace(" %", "\u00a0%")  # A number and its percent sign stay together.


def page_colours() -> tuple[dict[str, str], dict[str, str]]:
    """Return the colours of a light and a dark page without the bundle, by name."""
    return _colours(LIGHT_THEME) | _LIGHT, _colours(DARK_THEME) | _DARK


def _recorded(report: RunReport) -> str:
    summary = report.summary
    if not summary.recorded_at:
        return _("Run {run} · recorded at an unknown time", run=summary.run_id)
    return _(
        "Run {run} · recorded {time} UTC, {origin}",
        run=summary.run_id,
        time=f"{summary.recorded_at:%Y-%m-%d %H:%M:%S}",
        origin=known(summary.recorded_text),
    )


def _colours(theme: ThemeColours) -> dict[str, str]:
    return {**theme.labels, "hatch": theme.hatch, "missing": theme.no_coverage}


def _facts(report: RunReport) -> dict[str, str]:
    summary, coverage = report.summary, report.summary.coverage
    dropped = "; ".join(
        _("{name}: {value}", name=_(_CAUSES[DropCause(cause)]), value=count(one))
        for cause, one in coverage.dropped.items()
    )
    fps = summary.sampling_fps
    faces, tracks = count(summary.faces), summary.tracks
    return {
        _("State"): _state(report),
        _("Frames captured"): count(coverage.captured),
        _("Frames analysed"): _analysed(report),
        _("Skipped by sampling"): count(coverage.sampled_out),
        _("Dropped, by cause"): dropped or _("none"),
        _("Faces"): n_(
            "{faces}, in {count} track", "{faces}, in {count} tracks", tracks, faces=faces
        ),
        _("Left out of all numbers"): known(summary.left_out.text) or _("nothing"),
        _("Zones"): zones_text(summary.zones) or _("none: the whole picture"),
        _("Sampling"): _("at most {rate} frames/s", rate=f"{fps:g}") if fps else _("every frame"),
        _("Model"): summary.model_version,
        _("Detector"): summary.detector,
        _("Person-second"): _(
            "one face in view for one second, counted by its smoothed expression"
        ),
        _("Analysed time"): _(
            "the time that the analysed frames stand for: in a recording, each until the next one; "
            "a gap between frames is not analysed"
        ),
    }


def _state(report: RunReport) -> str:
    summary = report.summary
    state = _(_STATES[summary.state])
    return _("{name}: {value}", name=state, value=known(summary.error)) if summary.error else state


def _analysed(report: RunReport) -> str:
    analysed = count(report.summary.frames_analyzed)
    if report.stored_frames >= report.summary.frames_analyzed:
        return analysed
    kept = count(report.stored_frames)
    return _("{analysed}, of which {kept} are still kept", analysed=analysed, kept=kept)
