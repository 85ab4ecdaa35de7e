"""The routes of the page Trends: the details below the charts, and the CSV file."""

from datetime import tzinfo
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from analytics.history.local_time import zone_named
from analytics.snapshots import in_snapshot
from contracts.times import utc_now
from dashboard.trends.address import read_view, write_view
from dashboard.trends.answer_cache import answer_cache
from dashboard.trends.charts.layout import ChartData
from dashboard.trends.details import details
from dashboard.trends.exports.bucket_rows import bucket_rows
from dashboard.trends.exports.csv_export import csv_lines
from dashboard.trends.exports.parquet_export import parquet_bytes
from dashboard.trends.marks.routes import marker_routes
from dashboard.trends.saved_views.routes import saved_view_routes
from dashboard.trends.tables import data_table
from dashboard.web.json_values import json_values
from serving.audit_trail import AuditTrail
from serving.backend import Backend
from serving.downloads import PARQUET_TYPE, attachment, require_parquet

Zone = Annotated[str, Query(max_length=64)]


def routes(backend: Backend) -> APIRouter:
    """Return GET extras, table, csv and parquet, and the routes of saved views and of markers.

    table: the numbers of one chart. The first four are of the view in the query, and in the time
    zone `zone`. Without a zone, it is MOODLINE_TIMEZONE.
    """
    router = APIRouter()
    router.include_router(saved_view_routes(backend))
    router.include_router(marker_routes(backend))
    answers = answer_cache(backend.engine)
    trail = AuditTrail(backend.engine)

    def _clock(zone: str) -> tzinfo:
        return zone_named(zone) if zone else backend.settings.timezone

    @router.get("/extras")
    def extras(request: Request, zone: Zone = "") -> Any:
        clock, now = _clock(zone), utc_now()
        view = read_view(request.url.query, now, clock).view
        found = answers.latest(backend.engine, view, clock, now)
        return json_values(in_snapshot(backend.engine, details, view, found, clock))

    @router.get("/table")
    def table(request: Request, chart: Annotated[int, Query(ge=0)], zone: Zone = "") -> Any:
        clock, now = _clock(zone), utc_now()
        view = read_view(request.url.query, now, clock).view
        found = answers.latest(backend.engine, view, clock, now)
        if chart >= len(found.charts):
            return None
        data = ChartData(found.charts[chart].buckets, found.step_s, found.until)
        return json_values(data_table(data, clock))

    @router.get("/csv")
    def sheet(request: Request, zone: Zone = "") -> StreamingResponse:
        clock, now = _clock(zone), utc_now()
        view = read_view(request.url.query, now, clock).view
        found = in_snapshot(backend.engine, bucket_rows, view, clock, now)
        name = f"{found.name}.csv"
        trail.write_exported(file=name, view=request.url.query)
        return StreamingResponse(
            csv_lines(found), media_type="text/csv; charset=utf-8", headers=attachment(name)
        )

    @router.get("/parquet")
    def parquet(request: Request, zone: Zone = "") -> Response:
        require_parquet()
        clock, now = _clock(zone), utc_now()
        view = read_view(request.url.query, now, clock).view
        found = in_snapshot(backend.engine, bucket_rows, view, clock, now)
        content = parquet_bytes(found, write_view(view))
        name = f"{found.name}.parquet"
        trail.write_exported(file=name, view=request.url.query)
        return Response(content, media_type=PARQUET_TYPE, headers=attachment(name))

    return router
