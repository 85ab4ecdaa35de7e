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
from dashboard.language.words import N_, _, label_name, n_
from dashboard.trends.address import write_view
from dashboard.trends.charts.gaps import gaps
from dashboard.trends.charts.layout import ChartData
from dashboard.trends.charts.scale import partial_note, rate_text
from dashboard.trends.texts.sentences import left_out_text, shown_name
from dashboard.trends.view import View
from dashboard.web.links import source_path
from dashboard.web.number_format import count, local_time, percent, person_time, signed
from dashboard.web.palette import NO_COVERAGE, STACK

_MAX_ROWS: Final = 100
_NO_VALUE: Final = "–"
_SOURCE_COLUMNS: Final = (
    N_("Source or tag"),
    N_("Person-time"),
    N_("Tracks"),
    N_("Coverage"),
    N_("Uncertain"),
    N_("Derived valence"),
    N_("Left out"),
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
                    html.Span(label_name(label), className="legend-label"),
                    html.Span(
                        f"{percent(shares[label])} · {person_time(found.person_s[label])}"
                        if shares
                        else _NO_VALUE,
                        className="legend-total",
                    ),
                ],
                href=write_view(replace(view, only="" if view.only == label else label)),
                className="legend-link" + (" only" if view.only == label else ""),
                title=_("Show all labels")
                if view.only == label
                else _("Show only {name}", name=label_name(label)),
            )
        )
        for label in STACK
    ]
    missing = [html.Span(className="swatch swatch-missing"), html.Span(_(NO_COVERAGE))]
    return [*items, html.Li(missing)]


def view_of(one: HistorySource | SourceGroup, view: View) -> View:
    """Return the view of one source or tag alone."""
    if isinstance(one, SourceGroup):
        return replace(view, sources=(), tags=(one.name,))
    return replace(view, sources=(one.name,), tags=())


def source_table(lines: Sequence[Total], view: View) -> list[Any]:
    """Return one line a source, the busiest first, then the tags; at most _MAX_ROWS.

    Each name leads to the page of its source, or to a view of its tag alone.
    """
    columns = [_(one) for one in _SOURCE_COLUMNS]
    rows = [
        _row(columns, _source_cells(line), _name_link(line.source, view))
        for line in lines[:_MAX_ROWS]
    ]
    parts: list[Any] = [html.Table([_head(columns), html.Tbody(rows)], className="cards")]
    if len(lines) > _MAX_ROWS:
        parts.append(
            html.P(
                n_(
                    "{count} more source with less person-time is not listed. Choose sources above "
                    "to see it.",
                    "{count} more sources with less person-time are not listed. Choose sources "
                    "above to see them.",
                    len(lines) - _MAX_ROWS,
                )
            )
        )
    return parts


def data_table(data: ChartData, zone: tzinfo) -> DataTable:
    """Return a chart's numbers by time. A gap is one line.

    The browser builds it from texts: a few hundred rows of Dash components block the page for
    tens of seconds.
    """
    buckets, until, step_s = data.buckets, data.until, data.step_s
    names = (N_("Begin"), N_("Coverage"), N_("Person-time"), N_("Per covered hour"))
    columns = (*map(_, names), *map(label_name, STACK))
    lines = [
        (one.begin, _data_cells(one, step_s, zone)) for one in buckets if not one.measures.is_gap()
    ]
    for begin, end in gaps(buckets, until):
        text = _("no coverage until {time}", time=local_time(end, zone, step_s))
        lines.append((begin, (local_time(begin, zone, step_s), text)))
    lines.sort(key=lambda line: line[0])
    return DataTable(columns, tuple(cells for _, cells in lines))


def _source_cells(line: Total) -> tuple[str, ...]:
    now = line.now
    share = percent(line.coverage)
    left_out = left_out_text(now) or _("nothing")
    if now.shares is None:
        return (_NO_VALUE, count(now.tracks), share, _NO_VALUE, _NO_VALUE, left_out)
    return (
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
        person_time(bucket.measures.total_s) if shares else _("no faces"),
        rate_text(bucket.measures) if shares else _NO_VALUE,
        *(percent(shares[label]) if shares else _NO_VALUE for label in STACK),
    )


def _head(columns: Sequence[str]) -> html.Thead:
    return html.Thead(html.Tr([html.Th(column, scope="col") for column in columns]))


def _name_link(one: HistorySource | SourceGroup, view: View) -> Any:
    """Return the name, which leads to the page of a source, or to a view of a tag alone."""
    is_source = isinstance(one, HistorySource)
    href = source_path(one.name) if is_source else write_view(view_of(one, view))
    name = shown_name(one)
    if one.removed:
        name = _("{name} (removed)", name=name)
    return dcc.Link(name, href=href)


def _row(columns: Sequence[str], cells: Sequence[str], name: Any) -> html.Tr:
    """Return a row. name: its first cell; cells: the others."""
    named: list[Any] = [html.Th(name, scope="row")]
    for column, cell in zip(columns[1:], cells, strict=True):
        label: dict[str, Any] = {"data-label": column}
        named.append(html.Td(cell, **label))
    return html.Tr(named)
