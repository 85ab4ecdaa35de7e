"""A run's report as one HTML page that stands alone: no script, nothing fetched, light and dark.

Across, charts are drawn in percent instead of in a viewBox: they fit any width, and their text
and hatches keep their size on a phone.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

from analytics.runs.report import (
    RunReport,
    TrackSpan,
    clock,
    counted,
    coverage_caption,
    expressions_caption,
    headline,
    percent,
    quantity,
    totals_caption,
    tracks_caption,
)
from analytics.runs.timeline import Bucket
from contracts.expressions import UNCERTAIN

_PALETTE: Final = {
    "happy": ("#B88605", "#DE9426"),
    "surprise": ("#0F4F46", "#8FE3D6"),
    "neutral": ("#878893", "#84878E"),
    "sad": ("#1A94EC", "#2A7FD4"),
    "fear": ("#642C7D", "#DBB2FA"),
    "disgust": ("#598363", "#CBE690"),
    "angry": ("#7E2C08", "#B5614E"),
    UNCERTAIN: ("#E9ECEF", "#373A40"),
    "hatch": ("#5F636D", "#C1C2C5"),
    "missing": ("#868E96", "#7D838C"),
    "analysed": ("#495057", "#ADB5BD"),
    "page": ("#F6F7F9", "#1A1B1E"),
    "card": ("#FFFFFF", "#212226"),
    "text": ("#1B1D22", "#E8EAED"),
    "muted": ("#5A5F69", "#A9AEB8"),
    "line": ("#E1E4E8", "#36393F"),
}
"""Light and dark. The eight labels come first, from the bottom of a stack to its top."""
_STACK: Final = tuple(_PALETTE)[:8]
_ORIGINS: Final = {
    "recorded_at": "as given",
    "pattern": "by the file's name",
    "container": "by the file's header",
    "mtime": "by the file's age",
    "live": "by the host's clock",
}
_PLOT: Final = 200
_STRIP: Final = 18
_AXIS: Final = 24
_ROW: Final = 28
_LANE: Final = 36
_MOST_LANES: Final = 20
_FULL: Final = 0.95
"""Coverage that is drawn as whole: dwells are whole milliseconds, and the first frame has none."""
_TICKS_S: Final = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800),
)


def summary_page(report: RunReport) -> str:
    """The whole page. All that comes from data is escaped."""
    summary, charts = report.summary, []
    if not report.is_still and (report.frames_kept or not summary.frames_analyzed):
        charts.append(_coverage(report))
    if report.has_course:
        charts.insert(0, _expressions(report))
    if report.person_s:
        charts.append(_totals(report))
    if report.tracks and not report.is_still:
        charts.append(_lanes(report))
    recorded = "at an unknown time"
    if summary.recorded_at:
        origin = _ORIGINS.get(summary.recorded_at_origin or "", "of unknown origin")
        recorded = f"{summary.recorded_at:%Y-%m-%d %H:%M:%S} UTC, {origin}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>{_text(summary.source)} · moodline</title>
<style>{_colours()}{_STYLE}</style>
</head>
<body>
{_HATCHES}
<header>
<h1>{_text(summary.source)}</h1>
<p class="note">Run {_text(summary.run_id)} · recorded {_text(recorded)}</p>
<p class="lead">{_text(headline(report))}</p>
</header>
<main>{"".join(charts)}{_facts(report)}</main>
<footer><p>moodline reads expressions, not feelings; it identifies nobody.</p></footer>
</body>
</html>
"""


def _expressions(report: RunReport) -> str:
    emotions = report.summary.emotions
    used = [label for label in _STACK if emotions[label]]
    names = {label: f"{label} {percent(emotions[label] / report.person_s)}" for label in used}
    if any(_is_mostly_missing(bucket) for bucket in report.buckets):
        names["missing"] = "less than half analysed"
    body = (
        f'{_legend(names)}<p class="axis">person-seconds per bar</p>'
        f"{_svg('expressions', _PLOT + _AXIS, _stack(report))}"
        '<p class="axis end">time into the recording</p>'
    )
    rows = (
        (
            *_ends(one),
            *("–" if one.is_gap else f"{one.emotions.get(label, 0):.2f}" for label in used),
        )
        for one in report.buckets
    )
    table = _table("expressions over time", ("from", "to", *used), rows)
    return _figure(
        "expressions", "Expressions over time", expressions_caption(report), body + table
    )


def _stack(report: RunReport) -> Iterator[str]:
    """Bars on their grid. What is mostly missing is hatched, so that no bar is never a zero."""
    highest = max(sum(bucket.emotions.values()) for bucket in report.buckets)
    step = _nice(highest / 4)
    ticks = math.ceil(highest / step)
    for tick in range(ticks + 1):
        y = _PLOT * (1 - tick / ticks)
        yield f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="-8" y="{y + 4:.1f}" text-anchor="end">{round(tick * step, 9):g}</text>'
    yield from _time_axis(report, _PLOT)
    for is_missing, some in groupby(report.buckets, key=_is_mostly_missing):
        if is_missing:
            yield _missing(report, list(some), _PLOT)
    for bucket in report.buckets:
        yield from _bar(report, bucket, _PLOT / (ticks * step))


def _bar(report: RunReport, bucket: Bucket, scale: float) -> Iterator[str]:
    parts = [(label, bucket.emotions[label]) for label in _STACK if bucket.emotions.get(label)]
    if not parts:
        return
    begin, end = _ends(bucket)
    read = ", ".join(f"{label} {seconds:.2f}" for label, seconds in parts)
    yield f"<g><title>{begin} to {end}: {read} person-seconds</title>"
    across = _across(report, bucket.start_s, bucket.end_s)
    y = float(_PLOT)
    for label, seconds in parts:
        y -= seconds * scale
        yield f'<rect class="bar {label}" {across} y="{y:.2f}" height="{seconds * scale:.2f}"/>'
    yield "</g>"


def _coverage(report: RunReport) -> str:
    rows = (
        (*_ends(one), one.frames, percent(_covered(one)), f"{one.empty_s:.2f}")
        for one in report.buckets
    )
    body = (
        _legend({"analysed": "analysed", "missing": "not analysed"})
        + _svg("coverage", _STRIP + _AXIS, _strip(report))
        + _table("coverage", ("from", "to", "frames", "analysed", "s without a face"), rows)
    )
    return _figure("coverage", "Coverage", coverage_caption(report), body)


def _strip(report: RunReport) -> Iterator[str]:
    for height, some in groupby(report.buckets, key=lambda one: round(_covered(one) * _STRIP)):
        stretch = list(some)
        if height < _STRIP:
            yield _missing(report, stretch, _STRIP)
        if height:
            across = _across(report, stretch[0].start_s, stretch[-1].end_s)
            yield f'<rect class="analysed" {across} y="{_STRIP - height}" height="{height}"/>'
    yield from _time_axis(report, _STRIP)


def _totals(report: RunReport) -> str:
    emotions, longest = report.summary.emotions, max(report.summary.emotions.values())
    parts = []
    for row, label in enumerate(_STACK):
        y, share = row * _ROW, percent(emotions[label] / report.person_s)
        value = _text(f"{quantity(emotions[label])} s · {share}")
        width = f"{100 * emotions[label] / longest:.2f}%"
        parts += [
            f'<text class="name" x="-8" y="{y + 18}" text-anchor="end">{label}</text>',
            f'<rect class="{label}" x="0" width="{width}" y="{y + 5}" height="17"/>',
            f'<text x="{width}" dx="8" y="{y + 18}">{value}</text>',
        ]
    rows = (
        (label, f"{emotions[label]:.2f}", percent(emotions[label] / report.person_s))
        for label in _STACK
    )
    body = _svg("totals", _ROW * len(_STACK), parts)
    table = _table("in total", ("expression", "person-seconds", "share"), rows)
    return _figure("totals", "In total", totals_caption(report), body + table)


def _lanes(report: RunReport) -> str:
    drawn = sorted(report.tracks[:_MOST_LANES], key=lambda one: (one.first_s, one.track_id))
    height, more = _LANE * len(drawn), report.summary.tracks - len(drawn)
    parts = [*_time_axis(report, height)]
    for row, track in enumerate(drawn):
        parts += _lane(report, track, _LANE * row)
    body = _svg("lanes", height + _AXIS, parts)
    if more > 0:
        body += f'<p class="note">and {more:,} more</p>'
    rows = (
        (f"T{one.track_id}", clock(one.first_s), clock(one.last_s), one.faces, _shown(one))
        for one in report.tracks
    )
    table = _table("tracks", ("track", "from", "to", "faces", "mostly"), rows)
    return _figure("lanes", "Tracks", tracks_caption(report), body + table)


def _lane(report: RunReport, track: TrackSpan, y: int) -> Iterator[str]:
    begin, end = (min(at / report.span_s, 1) * 100 for at in (track.first_s, track.last_s))
    # The words begin where the bar does, or end where it ends: whichever leaves them more room.
    at, anchor = (begin, "start") if 100 - begin >= end else (end, "end")
    yield f'<text class="name" x="-8" y="{y + 30}" text-anchor="end">T{track.track_id}</text>'
    yield f'<text x="{at:.2f}%" y="{y + 15}" text-anchor="{anchor}">{_text(_shown(track))}</text>'
    yield (
        f'<rect class="{track.dominant or "missing"}" x="{begin:.2f}%" y="{y + 21}" height="10" '
        f'width="{max(end - begin, 0.4):.2f}%"/>'
    )


def _shown(track: TrackSpan) -> str:
    if track.dominant is None:
        return "seen for a moment"
    total = sum(track.emotions.values())
    return (
        f"{track.dominant} {percent(track.emotions[track.dominant] / total)} of {quantity(total)} s"
    )


def _facts(report: RunReport) -> str:
    summary, coverage = report.summary, report.summary.coverage
    dropped = ", ".join(f"{cause} {count:,}" for cause, count in coverage.dropped.items())
    fps = summary.sampling_fps
    facts = {
        "State": f"{summary.state}{': ' + summary.error if summary.error else ''}",
        "Frames captured": f"{coverage.captured:,}",
        "Frames analysed": f"{summary.frames_analyzed:,}",
        "Left out by sampling": f"{coverage.sampled_out:,}",
        "Dropped, by cause": dropped or "none",
        "Faces": f"{summary.faces:,}, followed in {counted(summary.tracks, 'track')}",
        "Sampling": f"at most {fps:g} frames a second" if fps else "every frame",
        "Model": summary.model_version,
        "Detector": summary.detector,
        "Person-second": "one face in view for one second, by its smoothed expression",
        "Analysed time": "a frame stands for the time since the one before it, at most 1 s; hence "
        "the last moment of a recording is never covered",
    }
    if report.frames_kept < summary.frames_analyzed:
        facts["Frames analysed"] += f", of which {report.frames_kept:,} are still kept"
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td>{_text(value)}</td></tr>'
        for name, value in facts.items()
    )
    return f'<section><h2>Facts</h2><table class="facts">{rows}</table></section>'


def _figure(name: str, title: str, caption: str, body: str) -> str:
    return (
        f'<section><h2>{title}</h2><figure class="{name}">'
        f'<figcaption id="{name}">{_text(caption)}</figcaption>{body}</figure></section>'
    )


def _svg(name: str, height: int, parts: Iterable[str]) -> str:
    return (
        f'<div class="plot"><svg role="img" aria-labelledby="{name}" width="100%" '
        f'height="{height}">{"".join(parts)}</svg></div>'
    )


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    top = "".join(f'<th scope="col">{_text(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{_text(first)}</th>'
        f"{''.join(f'<td>{_text(cell)}</td>' for cell in rest)}</tr>"
        for first, *rest in rows
    )
    return (
        '<details><summary>Data table</summary><div class="scroll" role="group" tabindex="0" '
        f'aria-label="Data table: {title}"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _legend(names: dict[str, str]) -> str:
    items = (
        f'<li><svg aria-hidden="true" width="14" height="14"><rect class="{kind}" x="1" y="1" '
        f'width="12" height="12"/></svg>{_text(name)}</li>'
        for kind, name in names.items()
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _missing(report: RunReport, stretch: Sequence[Bucket], height: int) -> str:
    across = _across(report, stretch[0].start_s, stretch[-1].end_s)
    begin, end = clock(stretch[0].start_s), clock(stretch[-1].end_s)
    title = f"<title>{begin} to {end}: not analysed in full</title>"
    return f'<rect class="missing" {across} y="0" height="{height}">{title}</rect>'


def _time_axis(report: RunReport, y: int) -> Iterator[str]:
    step_s = next((step for step in _TICKS_S if report.span_s / step <= 5), report.span_s)
    yield f'<line class="axis-line" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
    for tick in range(math.floor(report.span_s / step_s) + 1):
        at = 100 * tick * step_s / report.span_s
        label = clock(tick * step_s, step_s)
        yield f'<line class="axis-line" x1="{at:.3f}%" x2="{at:.3f}%" y1="{y}" y2="{y + 5}"/>'
        yield f'<text x="{at:.3f}%" y="{y + 19}" text-anchor="middle">{label}</text>'


def _across(report: RunReport, begin_s: float, end_s: float) -> str:
    begin, end = (100 * at / report.span_s for at in (begin_s, end_s))
    return f'x="{begin:.3f}%" width="{end - begin:.3f}%"'


def _ends(bucket: Bucket) -> tuple[str, str]:
    step_s = bucket.end_s - bucket.start_s
    return clock(bucket.start_s, step_s), clock(bucket.end_s, step_s)


def _covered(bucket: Bucket) -> float:
    """0..1, of the bucket's time."""
    wide_s = bucket.end_s - bucket.start_s
    return 1 if bucket.analyzed_s >= _FULL * wide_s else bucket.analyzed_s / wide_s


def _is_mostly_missing(bucket: Bucket) -> bool:
    return _covered(bucket) < 0.5


def _nice(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _text(value: object) -> str:
    """Escaped, and a number never parts from its percent sign."""
    return escape(str(value)).replace(" %", "\u00a0%")


def _colours() -> str:
    light, dark = (
        "".join(f"--{name}:{pair[mode]};" for name, pair in _PALETTE.items()) for mode in (0, 1)
    )
    fills = "".join(f".{name}{{fill:var(--{name})}}" for name in (*_STACK, "analysed"))
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}{fills}"
    )


_HATCHES: Final = """<svg class="hatches" aria-hidden="true" width="0" height="0"><defs>
<pattern id="hatch-uncertain" width="6" height="6" patternUnits="userSpaceOnUse"
 patternTransform="rotate(45)"><rect class="ground" width="6" height="6"/>
<line class="stripe" x1="3" x2="3" y1="0" y2="6"/></pattern>
<pattern id="hatch-missing" width="8" height="8" patternUnits="userSpaceOnUse">
<path class="cross" d="M0 0L8 8M8 0L0 8"/></pattern></defs></svg>"""
_STYLE: Final = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:2rem 1.25rem;background:var(--page);color:var(--text);
 font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
h1{margin:0;font-size:1.75rem;line-height:1.2;letter-spacing:-.01em}
h2{margin:0 0 .25rem;font-size:1.125rem;line-height:1.3}
.note,.axis,figcaption,footer,summary{color:var(--muted);font-size:.875rem}
.note,.axis,.lead{margin:.375rem 0 0}
.lead{margin:1.25rem 0 1.5rem;font-size:1.25rem;line-height:1.4;max-width:44rem;text-wrap:balance}
section{margin:0 0 1rem;padding:1.25rem;background:var(--card);border:1px solid var(--line);
 border-radius:10px;break-inside:avoid}
figure{margin:0}
figcaption{max-width:46rem;margin-bottom:1rem;text-wrap:pretty}
.plot{padding:6px 14px 0 44px}
.plot svg{display:block;overflow:visible}
.totals .plot{padding:0 124px 0 72px}
.axis{font-size:.75rem;margin:0 0 .25rem}
.axis.end{text-align:right;margin:.125rem 14px 0 0}
svg text{font-size:12px;fill:var(--muted);font-variant-numeric:tabular-nums}
svg text.name{font-size:13px;fill:var(--text)}
.grid{stroke:var(--line)}
.axis-line{stroke:var(--muted)}
.bar{stroke:var(--card);stroke-width:1px}
.uncertain{fill:url(#hatch-uncertain)}
.ground{fill:var(--uncertain)}
.stripe{stroke:var(--hatch);stroke-width:1.5px}
.missing{fill:url(#hatch-missing);stroke:var(--missing);stroke-dasharray:1 3}
.cross{fill:none;stroke:var(--missing);stroke-width:.75px}
.hatches{position:absolute}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:0 0 .75rem;padding:0;list-style:none;
 font-size:.875rem}
.legend li{display:flex;align-items:center;gap:.375rem}
details{margin-top:.75rem}
summary{cursor:pointer;width:fit-content}
:focus-visible{outline:2px solid var(--text);outline-offset:2px}
.scroll{max-height:20rem;overflow:auto;margin-top:.5rem}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem 1rem .25rem 0;text-align:left;vertical-align:top;
 border-bottom:1px solid var(--line);font-weight:400}
.scroll th,.scroll td{overflow-wrap:normal;white-space:nowrap}
thead th,.facts th{color:var(--muted)}
.facts{width:100%}
.facts th{width:11rem}
footer{padding-top:.5rem}
@media (max-width:600px){body{padding:1.25rem .75rem}section{padding:1rem}
.bar{stroke:none;shape-rendering:crispEdges}.facts th{width:8rem}.totals .plot{padding-right:112px}}
@media print{*{print-color-adjust:exact}}
"""
