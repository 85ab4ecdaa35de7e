"""Ports of this host that are allowed as cameras: only an administrator changes them."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field

from contracts.parsing.addresses import HostPort
from records.sources.allowed_places import allowed_places, refuse_place
from serving.access import Role, require_role
from serving.backend import Backend

_LONGEST_PLACE: Final = 262


def _checked(text: str) -> str:
    if not HostPort.parse(text).port:
        raise ValueError(f"{text!r} has no port")
    return text


class PlaceRequest(BaseModel):
    """A port of this host. place: HOST:PORT."""

    place: Annotated[str, Field(max_length=_LONGEST_PLACE), AfterValidator(_checked)]


def place_routes(backend: Backend) -> APIRouter:
    """Return GET places, POST allow and refuse. They need the role admin."""
    router = APIRouter()

    @router.get("/places")
    def places() -> dict[str, list[str]]:
        require_role(Role.ADMIN)
        return {"places": [str(one) for one in allowed_places(backend.engine)]}

    @router.post("/allow")
    def allow(request: PlaceRequest) -> dict[str, str]:
        account = require_role(Role.ADMIN)
        backend.sources.allow(HostPort.parse(request.place), actor=account.actor)
        return {"place": request.place}

    @router.post("/refuse")
    def refuse(request: PlaceRequest) -> dict[str, str]:
        account = require_role(Role.ADMIN)
        refuse_place(backend.engine, HostPort.parse(request.place), actor=account.actor)
        return {"place": request.place}

    return router
