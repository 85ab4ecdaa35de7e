"""The tables and the legend of the page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Final

from dash import dcc, html

from analytics.history.measures import Measures
from analytics.history.source_selection import HistorySource, SourceGroup
from analytics.history.timeline import Bucket
from analytics.history.totals import Total
from contracts.expressions import UNCERTAIN
from dashboard.trends.address import write_view
from dashboard.trends.charts.gaps import gaps
from dashboard.trends.charts.layout import ChartData
from dashboard.trends.charts.scale import partial_note, rate_text
from dashboard.trends.sentences import left_out_text
from dashboard.trends.view import View
from dashboard.web.number_format import count, local_time, percent, person_time, signed
from dashboard.web.palette import NO_COVERAGE, STACK

_MAX_ROWS: Final = 100
_NO_VALUE: Final = "–"
_SOURCE_COLUMNS: Final = (
    "Source or tag",
    "Person-time",
    "Tracks",
    "Coverage",
    "Uncertain",
    "Derived valence",
    "Left out",
)


@dataclass(frozen=True, slots=True)
class DataTable:
    """The texts of a table. A row with fewer cells than columns has a last cell that spans them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def legend(found: Measures, view: View) -> list[Any]:
    """Return each label with its total and a link that shows it alone, or all labels again."""
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
                        else _NO_VALUE,
                        className="legend-total",
                    ),
                ],
                href=write_view(replace(view, only="" if view.only == label else label)),
                className="legend-link" + (" only" if view.only == label else ""),
                title="Show all labels" if view.only == label else f"Show only {label}",
            )
        )
        for label in STACK
    ]
    missing = [html.Span(className="swatch swatch-missing"), html.Span(NO_COVERAGE)]
    return [*items, html.Li(missing)]


def view_of(one: HistorySource | SourceGroup, view: View) -> View:
    """Return the view of one source or tag alone."""
    if isinstance(one, SourceGroup):
        return replace(view, sources=(), tags=(one.name,))
    return replace(view, sources=(one.name,), tags=())


def source_table(lines: Sequence[Total], view: View) -> list[Any]:
    """Return one line a source, the busiest first, then the tags; at most _MAX_ROWS.

    Each name leads to a view of its source alone.
    """
    rows = [
        _row(_SOURCE_COLUMNS, _source_cells(line), write_view(view_of(line.source, view)))
        for line in lines[:_MAX_ROWS]
    ]
    parts: list[Any] = [html.Table([_head(_SOURCE_COLUMNS), html.Tbody(rows)], className="cards")]
    if len(lines) > _MAX_ROWS:
        parts.append(
            html.P(
                f"{len(lines) - _MAX_ROWS} more sources with less person-time are not listed. "
                "Choose sources above to see them."
            )
        )
    return parts


def data_table(data: ChartData, zone: tzinfo) -> DataTable:
    """Return a chart's numbers by time. A gap is one line.

    The browser builds it from texts: a few hundred rows of Dash components block the page for
    tens of seconds.
    """
    buckets, until, step_s = data.buckets, data.until, data.step_s
    columns = ("Begin", "Coverage", "Person-time", "Per covered hour", *STACK)
    lines = [
        (one.begin, _data_cells(one, step_s, zone)) for one in buckets if not one.measures.is_gap()
    ]
    for begin, end in gaps(buckets, until):
        text = f"{NO_COVERAGE} until {local_time(end, zone, step_s)}"
        lines.append((begin, (local_time(begin, zone, step_s), text)))
    lines.sort(key=lambda line: line[0])
    return DataTable(columns, tuple(cells for _, cells in lines))


def _source_cells(line: Total) -> tuple[str, ...]:
    now = line.now
    name = line.source.display_name + (" (removed)" if line.source.removed else "")
    share = percent(line.coverage)
    left_out = left_out_text(now) or "nothing"
    if now.shares is None:
        return (name, _NO_VALUE, count(now.tracks), share, _NO_VALUE, _NO_VALUE, left_out)
    return (
        name,
        person_time(now.total_s),
        count(now.tracks),
        share,
        percent(now.shares[UNCERTAIN]),
        _NO_VALUE if now.valence is None else signed(now.valence),
        left_out,
    )


def _data_cells(bucket: Bucket, step_s: int, zone: tzinfo) -> tuple[str, ...]:
    shares = bucket.measures.shares
    note = partial_note(bucket)
    return (
        local_time(bucket.begin, zone, step_s) + (f" ({note})" if note else ""),
        percent(bucket.coverage),
        person_time(bucket.measures.total_s) if shares else "no faces",
        rate_text(bucket.measures) if shares else _NO_VALUE,
        *(percent(shares[label]) if shares else _NO_VALUE for label in STACK),
    )


def _head(columns: Sequence[str]) -> html.Thead:
    return html.Thead(html.Tr([html.Th(column, scope="col") for column in columns]))


def _row(columns: Sequence[str], cells: Sequence[str], href: str) -> html.Tr:
    """Return a row. The first cell is its name, a link."""
    named: list[Any] = [html.Th(dcc.Link(cells[0], href=href), scope="row")]
    for column, cell in zip(columns[1:], cells[1:], strict=True):
        label: dict[str, Any] = {"data-label": column}
        named.append(html.Td(cell, **label))
    return html.Tr(named)
