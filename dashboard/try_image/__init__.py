"""The page Try an image: what the model says of a picture that its viewer shows."""

import asyncio
from typing import Any, Final

from dash import html
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from contracts.errors import MoodlineError
from dashboard.try_image.upload_limit import Turns
from dashboard.web.access import Role
from dashboard.web.backend import Backend
from dashboard.web.page import Page, Visit

MOST_BYTES: Final = 10 * 2**20
MOST_COMING: Final = 16
"""Bodies that are received at once: so many times MOST_BYTES of memory."""
MOST_READ: Final = 3
"""Pictures that are read, or wait for it, each of which holds a thread."""
BODY_S: Final = 30.0
"""Ten megabytes take half of it where a telephone sends five megabits a second."""


def _layout(_visit: Visit) -> html.Div:
    return html.Div(html.Div(id="try"))


def _routes(backend: Backend) -> APIRouter:
    """POST read: the picture as the body; what was read of it as JSON. Nothing is kept.

    One that comes slowly waits in no thread, and not for ever; of those that are here, few are let
    wait for the process that reads them.
    """
    router = APIRouter()
    coming, reading = Turns(MOST_COMING), Turns(MOST_READ)

    @router.post("/read")
    async def read(request: Request) -> dict[str, Any]:
        with coming.one():
            data = await _body(request)
        with reading.one():
            return await run_in_threadpool(backend.read_image, data)

    return router


async def _body(request: Request) -> bytes:
    """All of it. Raises MoodlineError where it takes too long."""
    try:
        return await asyncio.wait_for(request.body(), BODY_S)
    except TimeoutError as exc:
        raise MoodlineError(
            f"the picture was not here after {BODY_S:g} s", hint="Try a smaller one"
        ) from exc


TRY_IMAGE: Final = Page(
    path="try",
    name="Try an image",
    layout=_layout,
    routes=_routes,
    most_body=MOST_BYTES,
    changes=Role.VIEWER,  # It keeps nothing.
)
