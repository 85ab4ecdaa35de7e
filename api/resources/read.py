"""POST /read: an image in, the faces in it out. Nothing is stored."""

from typing import Annotated, Final

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from api.conventions.fields import Answer, Label
from api.conventions.problems import documented_problems
from api.conventions.route import needs
from contracts.errors import ApiError, ImageError
from records.users.roles import TokenScope
from serving.backend import Backend

MAX_IMAGE_BYTES: Final = 10 * 2**20
_Part = Annotated[float, Field(ge=0, le=1)]
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            one: {"schema": {"type": "string", "format": "binary"}}
            for one in ("application/octet-stream", "image/jpeg", "image/png", "image/webp")
        },
    }
}


class ReadFace(Answer):
    """A face in an image. x, y, w, h are parts of the image's width and height."""

    x: float
    y: float
    w: float
    h: float
    label: Label | None = Field(description="The expression; `null` if it is uncertain.")
    confidence: _Part
    shares: dict[str, _Part] = Field(description="Calibrated probabilities by expression.")
    why: str = Field(description="Why the expression is uncertain; empty if it is not.")


class ReadImage(Answer):
    """The faces of an image, the largest first."""

    width: int
    height: int
    faces: list[ReadFace]


def add_read(app: FastAPI, backend: Backend) -> None:
    """Add the route."""

    @app.post(
        "/read",
        tags=["read"],
        openapi_extra=_BODY | needs(TokenScope.READ),
        responses=documented_problems("too-large"),
    )
    async def read_image(request: Request) -> ReadImage:
        """Find the faces in an image of at most 10 MiB, and read their expressions."""
        data = await request.body()
        try:
            found = await run_in_threadpool(backend.read_image, data)
        except ImageError as exc:
            raise ApiError("invalid-request", str(exc), hint=exc.hint) from exc
        return ReadImage.model_validate(found)
