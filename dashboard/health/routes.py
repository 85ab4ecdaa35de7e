"""The routes of the verdict: for the banner of the pages, and for probes."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from analytics.health.verdict import Level
from dashboard.web.guard import READY, VERDICT
from dashboard.web.json_values import json_values
from serving.backend import Backend
from serving.shared_verdict import SharedVerdict

_WORKS = (Level.HEALTHY, Level.DEGRADED)


def health_routes(backend: Backend, prefix: str) -> APIRouter:
    """Return GET PREFIXapi/health, the verdict for signed-in viewers, and GET /readyz.

    /readyz needs no session, so it names the kinds of problems only; its status is 503 while the
    system is down or unknown.
    """
    router = APIRouter()
    shared = SharedVerdict(backend.health)

    @router.get(f"{prefix}{VERDICT}")
    async def health() -> Any:
        return json_values(await shared.newest())

    @router.get(READY)
    async def ready() -> JSONResponse:
        verdict = await shared.newest()
        works = verdict.level in _WORKS
        status = HTTPStatus.OK if works else HTTPStatus.SERVICE_UNAVAILABLE
        kinds = sorted({one.kind for one in verdict.problems})
        return JSONResponse({"ok": works, "health": verdict.level, "problems": kinds}, status)

    return router
