"""The page's tables and its legend, as HTML."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Any, Final

from dash import dcc, html

from analytics.history.measures import Measures
from analytics.history.trends import Bucket, Total
from contracts.expressions import UNCERTAIN
from dashboard.trends.figure_layout import Drawn
from dashboard.trends.figures import partly, rate
from dashboard.trends.gaps import gaps
from dashboard.trends.view import View, write_view
from dashboard.web.number_format import count, local_time, percent, person_time, signed
from dashboard.web.palette import NO_COVERAGE, STACK

MOST_LINES: Final = 100
NONE: Final = "–"
_SOURCE_COLUMNS: Final = (
    "Source or tag",
    "Person-time",
    "Tracks",
    "Coverage",
    "Uncertain",
    "Derived valence",
)


def legend(found: Measures, view: View) -> list[Any]:
    """Each label with its total, a link that draws it alone or all again; then the mark."""
    shares = found.shares or {}
    items = [
        html.Li(
            dcc.Link(
                [
                    html.Span(className=f"swatch swatch-{label}"),
                    html.Span(label, className="legend-label"),
                    html.Span(
                        f"{percent(shares[label])} · {person_time(found.person_s[label])}"
                        if shares
                        else NONE,
                        className="legend-total",
                    ),
                ],
                href=write_view(replace(view, only="" if view.only == label else label)),
                className="legend-link" + (" only" if view.only == label else ""),
                title="Show all again" if view.only == label else f"Show {label} alone",
            )
        )
        for label in STACK
    ]
    missing = [html.Span(className="swatch swatch-missing"), html.Span(NO_COVERAGE)]
    return [*items, html.Li(missing)]


def source_table(lines: Sequence[Total]) -> list[Any]:
    """One line a source, the busiest first, then the tags; MOST_LINES at most."""
    rows = [_row(_SOURCE_COLUMNS, _source_cells(line)) for line in lines[:MOST_LINES]]
    parts: list[Any] = [html.Table([_head(_SOURCE_COLUMNS), html.Tbody(rows)], className="cards")]
    if len(lines) > MOST_LINES:
        parts.append(
            html.P(f"and {len(lines) - MOST_LINES} more sources with less; choose them above.")
        )
    return parts


def data_table(drawn: Drawn, zone: tzinfo) -> html.Table:
    """A chart in numbers, by time; the steps of a gap are one line."""
    buckets, until, step_s = drawn.buckets, drawn.until, drawn.step_s
    columns = ("Begin", "Coverage", "Person-time", "Per covered hour", *STACK)
    lines = [
        (one.begin, _data_cells(one, drawn, zone)) for one in buckets if not one.measures.is_gap()
    ]
    for begin, end in gaps(buckets, until):
        text = f"{NO_COVERAGE} until {local_time(end, zone, step_s)}"
        lines.append((begin, (local_time(begin, zone, step_s), text)))
    lines.sort(key=lambda line: line[0])
    return html.Table([_head(columns), html.Tbody([_row(columns, cells) for _, cells in lines])])


def _source_cells(line: Total) -> tuple[str, ...]:
    now = line.now
    name = line.source.shown_name + (" (removed)" if line.source.removed else "")
    share = percent(line.coverage)
    if now.shares is None:
        return (name, NONE, count(now.tracks), share, NONE, NONE)
    return (
        name,
        person_time(now.total_s),
        count(now.tracks),
        share,
        percent(now.shares[UNCERTAIN]),
        NONE if now.valence is None else signed(now.valence),
    )


def _data_cells(bucket: Bucket, drawn: Drawn, zone: tzinfo) -> tuple[str, ...]:
    shares = bucket.measures.shares
    mark = partly(bucket)
    return (
        local_time(bucket.begin, zone, drawn.step_s) + (f" ({mark})" if mark else ""),
        percent(bucket.coverage),
        person_time(bucket.measures.total_s) if shares else "nobody seen",
        rate(bucket.measures) if shares else NONE,
        *(percent(shares[label]) if shares else NONE for label in STACK),
    )


def _head(columns: Sequence[str]) -> html.Thead:
    return html.Thead(html.Tr([html.Th(column, scope="col") for column in columns]))


def _row(columns: Sequence[str], cells: Sequence[str]) -> html.Tr:
    """The first cell names the line. The last one of a short line reaches to its end."""
    named: list[Any] = [html.Th(cells[0], scope="row")]
    for place, (column, cell) in enumerate(zip(columns[1:], cells[1:], strict=False), start=2):
        wide = len(columns) - place + 1 if place == len(cells) else 1
        label: dict[str, Any] = {"data-label": column}
        named.append(html.Td(cell, colSpan=wide, **label))
    return html.Tr(named)
