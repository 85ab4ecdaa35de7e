"""The page Try an image: the faces and expressions in an image that the viewer chooses."""

import asyncio
from typing import Any, Final

from dash import html
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from contracts.errors import MoodlineError
from dashboard.language.words import N_
from dashboard.web.json_values import json_values
from dashboard.web.page import Page, Visit
from serving.access import Role
from serving.backend import Backend
from serving.shares import IMAGE

MAX_BYTES: Final = 10 * 2**20
UPLOAD_TIMEOUT_S: Final = 30.0
"""Twice the time that MAX_BYTES take at 5 Mbit/s, as from a phone."""


def _layout(_visit: Visit) -> html.Div:
    return html.Div(html.Div(id="try"))


def _routes(backend: Backend) -> APIRouter:
    """Return POST read: an image file as the body, its faces as JSON. Nothing is stored.

    A slow upload holds no thread.
    """
    router = APIRouter()

    @router.post("/read")
    async def read(request: Request) -> Any:
        data = await _body(request)
        return json_values(await run_in_threadpool(backend.read_image, data))

    return router


async def _body(request: Request) -> bytes:
    """Return the whole body. Raises MoodlineError if it takes too long."""
    try:
        return await asyncio.wait_for(request.body(), UPLOAD_TIMEOUT_S)
    except TimeoutError as exc:
        raise MoodlineError(
            f"the image did not arrive within {UPLOAD_TIMEOUT_S:g} s", hint="Try a smaller image"
        ) from exc


TRY_IMAGE: Final = Page(
    path="try",
    name=N_("Try an image"),
    layout=_layout,
    routes=_routes,
    max_body_bytes=MAX_BYTES,
    changes=Role.VIEWER,  # Its POST stores nothing.
    work=(("POST read", IMAGE),),
)
