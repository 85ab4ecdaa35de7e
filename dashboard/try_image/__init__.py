"""The page Try an image: what the model says of a picture that its viewer shows."""

from typing import Any, Final

from dash import html
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from dashboard.access import Role
from dashboard.backend import Backend
from dashboard.pages import Page, Visit

MOST_BYTES: Final = 10 * 2**20


def _layout(_visit: Visit) -> html.Div:
    return html.Div(html.Div(id="try"))


def _routes(backend: Backend) -> APIRouter:
    """POST read: the picture as the body; what was read of it as JSON. Nothing is kept."""
    router = APIRouter()

    @router.post("/read")
    async def read(request: Request) -> dict[str, Any]:
        data = await request.body()
        return await run_in_threadpool(backend.read_image, data)

    return router


TRY_IMAGE: Final = Page(
    path="try",
    name="Try an image",
    layout=_layout,
    routes=_routes,
    most_body=MOST_BYTES,
    changes=Role.VIEWER,  # It keeps nothing.
)
