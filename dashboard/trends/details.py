"""What stands below the charts: hours of the week, moments, the time before, and the sheet."""

import csv
import io
from collections.abc import Iterator, Set
from datetime import tzinfo
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine

from analytics.history.coverage import comparable, coverage
from analytics.history.local_time import zone_named
from analytics.history.measures import Measures, combined
from analytics.history.moments import moments
from analytics.history.source_selection import history_sources
from analytics.history.trends import Timeline, heat_map, timeline
from analytics.runs.run_list import LABELS
from contracts.errors import SettingsError
from contracts.times import utc_now
from dashboard.trends.answers import Answer, answer, choose
from dashboard.trends.view import read_view
from dashboard.web.backend import Backend

_MOMENTS: Final = 12
_COLUMNS: Final = (
    *(
        "source",
        "tag",
        "generated",
        "begin",
        "end",
        "partly_in_range",
        "covered",
        "expected_s",
        "analyzed_s",
        "person_s",
    ),
    *(f"{label}_s" for label in LABELS),
    *("tracks", "derived_valence"),
)

Zone = Annotated[str, Query(max_length=64)]


def routes(backend: Backend) -> APIRouter:
    """GET extras, csv: of the view in the query, on the clock of `zone`."""
    router = APIRouter()

    @router.get("/extras")
    def extras(request: Request, zone: Zone = "UTC") -> dict[str, Any]:
        return _extras(backend.engine, request.url.query, zone_named(zone))

    @router.get("/csv")
    def sheet(request: Request, zone: Zone = "UTC") -> StreamingResponse:
        clock = zone_named(zone)
        view = read_view(request.url.query, utc_now(), clock).view
        since, until = view.span(utc_now())
        known = history_sources(backend.engine)
        chosen = choose(known, view)
        made_up = {one.name for one in known if one.generated}
        made_up_tags = {tag for one in known if one.generated for tag in one.tags}
        found = timeline(
            backend.engine, since, until, clock, sources=chosen.names, groups=chosen.tags
        )
        name = f"moodline-{since:%Y%m%d}-{until:%Y%m%d}.csv"
        return StreamingResponse(
            _lines(found, clock, made_up, made_up_tags),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return router


def _extras(engine: Engine, query: str, zone: tzinfo) -> dict[str, Any]:
    now = utc_now()
    view = read_view(query, now, zone).view
    found = answer(engine, view, zone, now)
    since, until = found.since, found.until
    names = [line.source.name for line in found.lines]
    try:
        cells = heat_map(engine, since, until, zone, sources=names)
        trouble = ""
    except SettingsError as exc:
        cells, trouble = (), exc.line()
    series = Timeline(
        since, until, found.step_s, {chart.name: chart.buckets for chart in found.charts}
    )
    return {
        "step_s": found.step_s,
        "heat": [
            {
                "weekday": cell.weekday,
                "hour": cell.hour,
                "analyzed_s": cell.measures.analyzed_s,
                "person_s": dict(cell.measures.person_s),
            }
            for cell in cells
        ],
        "heat_trouble": trouble,
        "moments": [
            {
                "source": one.source,
                "at": one.at.timestamp(),
                "label": one.label,
                "before": one.before,
                "now": one.now,
            }
            for one in moments(series, limit=_MOMENTS)
        ],
        "compared": _compared(found),
    }


def _compared(found: Answer) -> dict[str, Any]:
    """All together now and before; no difference where either was covered too little."""
    before = combined(line.before for line in found.lines)
    parts = {"now": found.everything, "before": before}
    expected_s = {
        "now": sum(line.expected_s for line in found.lines),
        "before": sum(line.expected_before_s for line in found.lines),
    }
    analyzed_s = [one.analyzed_s for one in parts.values()]
    return {
        "covered": {name: coverage(parts[name].analyzed_s, expected_s[name]) for name in parts},
        "person_s": {name: one.total_s for name, one in parts.items()},
        "shares": {name: _shares(one) for name, one in parts.items()},
        "comparable": comparable(analyzed_s, [*expected_s.values()])
        and all(one.shares is not None for one in parts.values()),
    }


def _shares(found: Measures) -> dict[str, float] | None:
    return dict(found.shares) if found.shares is not None else None


def _lines(
    found: Timeline, zone: tzinfo, made_up: Set[str], made_up_tags: Set[str]
) -> Iterator[str]:
    """The steps as they are shown; a gap is a line with nothing in it but its coverage of 0.

    A line is of a source, or of a tag. made_up: the sources whose history is generated, which each
    of their lines says; and made_up_tags, those that any of them have.
    """
    yield _line(_COLUMNS)
    sources = [((name, ""), name in made_up, steps) for name, steps in found.series.items()]
    tags = [(("", tag), tag in made_up_tags, steps) for tag, steps in found.groups.items()]
    for (source, tag), generated, buckets in (*sorted(sources), *sorted(tags)):
        for one in buckets:
            measures = one.measures
            known = not measures.is_gap()
            valence = measures.valence
            yield _line(
                (
                    _plain(source),
                    _plain(tag),
                    int(generated),
                    one.begin.astimezone(zone).isoformat(),
                    one.end.astimezone(zone).isoformat(),
                    int(one.partial),
                    round(one.coverage, 4),
                    round(one.expected_s, 3),
                    round(measures.analyzed_s, 3),
                    round(measures.total_s, 3) if known else "",
                    *(round(measures.person_s[label], 3) if known else "" for label in LABELS),
                    measures.tracks if known else "",
                    "" if valence is None else round(valence, 4),
                )
            )


def _line(values: tuple[Any, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()


def _plain(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in {"=", "+", "-", "@", "\t", "\r"} else name
