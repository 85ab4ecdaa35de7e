"""An evaluation as one self-contained HTML page: tables and drawings, no script, no request."""

import html
from collections.abc import Sequence
from typing import Final

from contracts.expressions import EXPRESSIONS
from training.evaluate import Evaluation

_SIZE: Final = 320
_EDGE: Final = 36
_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #8a9099; --mark: #2a7fd4 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --paper: #16181c; --faint: #8a9099; --mark: #6fb0f2 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .6rem; text-align: right } th:first-child { text-align: left }
th { font-weight: 600 } .note { color: var(--faint) }
.bar { background: var(--mark); height: .7rem; border-radius: 2px }
.scroll { overflow-x: auto } .charts { display: flex; flex-wrap: wrap; gap: 2rem }
svg text { fill: var(--faint); font-size: 11px }
svg .axis { stroke: var(--faint); fill: none } svg .line { stroke: var(--mark); fill: none;
  stroke-width: 2 } svg .dot { fill: var(--mark) } svg .even { stroke: var(--faint);
  stroke-dasharray: 4 4 }
"""


def report_page(evaluation: Evaluation, dataset: str) -> str:
    """The page, UTF-8 text."""
    report = evaluation.report
    facts = [
        ("faces", f"{report.n:,}"),
        ("accuracy", f"{report.accuracy:.1%}"),
        ("macro F1", f"{report.macro_f1:.3f}"),
        ("ECE (15 bins, top label)", f"{report.ece:.3f}"),
        ("a face alone, one thread", f"{evaluation.latency_ms_per_face:.2f} ms"),
        ("a face of eight", f"{evaluation.latency_ms_per_face_batch_8:.2f} ms"),
        *(
            (f"label changed by: {name}", f"{share:.1%}")
            for name, share in evaluation.changed.items()
        ),
    ]
    title = f"{evaluation.model} on {dataset}, {evaluation.split}, {evaluation.labels} labels"
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>",
        "<p class=note>It reads expressions as people labelled them in photographs. It does not "
        "know what anyone feels.</p>",
        _table(facts),
        "<h2>Per expression</h2>",
        _classes(evaluation),
        "<h2>Confusion: rows are the labels, columns the readings</h2>",
        _confusion(report.confusion),
        "<div class=charts>",
        "<div><h2>Reliability</h2>",
        _chart([(one.confidence, one.accuracy) for one in evaluation.reliability], "confidence"),
        "<p class=note>On the dashed line, confidence means what it says.</p></div>",
        "<div><h2>Risk and coverage</h2>",
        _chart([(p.coverage, p.accuracy) for p in evaluation.risk_coverage], "coverage"),
        f"<p class=note>Below {evaluation.uncertain_below:.2f} a face is uncertain.</p></div>",
        "</div></html>",
    ]
    return "\n".join(parts)


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = (f"<tr><th>{html.escape(a)}<td>{html.escape(b)}" for a, b in rows)
    return f"<table>{''.join(cells)}</table>"


def _classes(evaluation: Evaluation) -> str:
    rows = "".join(
        f"<tr><th>{name}<td>{one.recall:.1%}<td style='width:10rem'><div class=bar "
        f"style='width:{100 * one.recall:.0f}%'></div><td>{one.precision:.1%}"
        f"<td>{one.f1:.3f}<td>{one.support:,}"
        for name, one in evaluation.report.per_class.items()
    )
    head = "<tr><th><th>recall<th><th>precision<th>F1<th>faces"
    return f"<div class=scroll><table>{head}{rows}</table></div>"


def _confusion(counts: Sequence[Sequence[int]]) -> str:
    head = "<tr><th>" + "".join(f"<th>{name}" for name in EXPRESSIONS)
    rows = []
    for name, row in zip(EXPRESSIONS, counts, strict=True):
        total = max(sum(row), 1)
        cells = "".join(
            f"<td style='background:color-mix(in srgb,var(--mark) {100 * n // total}%,"
            f"transparent)'>{n:,}"
            for n in row
        )
        rows.append(f"<tr><th>{name}{cells}")
    return f"<div class=scroll><table>{head}{''.join(rows)}</table></div>"


def _chart(points: Sequence[tuple[float, float]], across: str) -> str:
    """Accuracy (up) over `across`, both 0..1, with a dot a point."""
    inner = _SIZE - 2 * _EDGE
    places = [(_EDGE + inner * x, _SIZE - _EDGE - inner * y) for x, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f"<circle class=dot cx={x:.1f} cy={y:.1f} r=3 />" for x, y in places)
    low, high = _EDGE, _SIZE - _EDGE
    return (
        f"<svg width={_SIZE} height={_SIZE} role=img aria-label='accuracy by {across}'>"
        f"<path class=axis d='M{low},{low} V{high} H{high}'/>"
        f"<path class=even d='M{low},{high} L{high},{low}'/>"
        f"<polyline class=line points='{line}'/>{dots}"
        f"<text x={low} y={low - 8}>accuracy 1.0</text>"
        f"<text x={high} y={high + 22} text-anchor=end>{across} 1.0</text></svg>"
    )
