"""The routes of the page Now: its event stream, and the demo camera."""

from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from contracts.settings import LiveView
from dashboard.now.day import DayReader
from dashboard.now.hub import Hub
from dashboard.web.json_values import json_values
from records.audit_actions import Action
from serving.access import Role, require_role
from serving.audit_trail import AuditTrail
from serving.backend import Backend
from serving.live_reader import LiveReader

_SHARED_STREAM: Final = Path(__file__).with_name("shared_stream.js")


def routes(backend: Backend) -> APIRouter:
    """Return GET events (text/event-stream), GET shared_stream.js, GET room, GET day, POST demo.

    shared_stream.js: the worker in a browser that reads the events once for all of its pages.
    day: the last 24 hours of all sources. room: fails with the error that events would fail with,
    which EventSource does not show. demo: add a camera that plays a clip in an endless loop.
    """
    router = APIRouter()
    hub, day = Hub(LiveReader(backend)), DayReader(backend)
    trail = AuditTrail(backend.engine)
    view = backend.settings.live_view

    @router.get("/events")
    async def events() -> StreamingResponse:
        hub.admit()
        if view is not LiveView.OFF:  # Else no picture of anybody is shown.
            await run_in_threadpool(trail.write_opened, Action.LIVE_VIEW_OPENED, faces=str(view))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(hub.stream(), media_type="text/event-stream", headers=headers)

    @router.get("/shared_stream.js")
    def shared_stream() -> Response:
        return Response(_SHARED_STREAM.read_bytes(), media_type="text/javascript")

    @router.get("/room")
    def room() -> dict[str, bool]:
        hub.admit()
        return {"room": True}

    @router.get("/day")
    def last_day() -> Any:
        return json_values(day.read())

    @router.post("/demo")
    def demo() -> dict[str, str]:
        require_role(Role.OPERATOR)
        return {"source": backend.start_demo()}

    return router
