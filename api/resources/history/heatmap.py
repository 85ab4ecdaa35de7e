"""GET /heatmap: the hours of the week, over all weeks of a range."""

from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field
from sqlalchemy import Connection

from analytics.history.hours_of_week.heat_map import heat_map
from analytics.history.source_selection import select_sources
from analytics.snapshots import in_snapshot
from api.conventions.validators import RollupAnswers
from api.resources.history.arguments import AskedRange, RangeArguments
from api.resources.history.measured import Asked, Measured, measured
from serving.access import current_account
from serving.backend import Backend


class Hour(Measured):
    """One hour of the week, summed over the range."""

    weekday: Annotated[int, Field(ge=0, le=6, description="0 is Monday.")]
    hour: Annotated[int, Field(ge=0, le=23)]
    latest: datetime = Field(description="The last of these hours with data.")


class HeatMap(Asked):
    """The hours of the week that have data, all sources together, in order."""

    generated: bool = Field(description="Whether any source's history was generated.")
    hours: list[Hour]


def add_heatmap(app: FastAPI, backend: Backend, kept: RollupAnswers) -> None:
    """Add the route."""

    @app.get("/heatmap", response_model=HeatMap, tags=["history"])
    def get_heatmap(asked: Annotated[RangeArguments, Query()], request: Request) -> Response:
        """The hours of the week over a range of at most 400 days, all sources together."""
        span = AskedRange.of(asked, request, backend.settings.timezone)
        within = current_account().sources
        return kept.answer(request, lambda: in_snapshot(backend.engine, _heatmap, span, within))


def _heatmap(connection: Connection, span: AskedRange, within: frozenset[int] | None) -> HeatMap:
    chosen = select_sources(connection, span.sources, span.tags, within=within)
    cells = heat_map(
        connection,
        span.since,
        span.until,
        span.zone,
        sources=span.sources,
        tags=span.tags,
        within=within,
    )
    hours = [
        Hour(weekday=one.weekday, hour=one.hour, latest=one.latest, **measured(one.measures))
        for one in cells
    ]
    return HeatMap(
        since=span.since,
        until=span.until,
        zone=str(span.zone),
        generated=any(one.generated for one in chosen),
        hours=hours,
    )
