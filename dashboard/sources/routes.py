"""What the page Sources asks. Who changes anything is an operator at least."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from analytics.now.live_sources import intervals_since, live_lines
from analytics.now.live_status import live_status
from broker.bus import Bus
from broker.presence import Presence, SourceReport
from contracts.errors import BrokerError
from contracts.times import utc_now
from dashboard.web.access import Role, require
from dashboard.web.backend import Backend
from records.sources.live_sources import MAX_NAME, pause_source, remove_source

_DAY: Final = timedelta(days=1)

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Tag = Annotated[str, Field(min_length=1, max_length=40)]


class Named(BaseModel):
    """One source."""

    name: Name


class Typed(Named):
    """What somebody typed into the form. uri: "" leaves it as it is."""

    uri: Annotated[str, Field(max_length=2048)] = ""
    fps: Annotated[float, Field(ge=0.1, le=240, allow_inf_nan=False)] = 5.0
    tags: Annotated[list[Tag], Field(max_length=20)] = []


class Asked(BaseModel):
    """What is to be looked at: an address, or a source that is known."""

    uri: Annotated[str, Field(max_length=2048)] = ""
    name: Annotated[str, Field(max_length=MAX_NAME)] = ""


def routes(backend: Backend) -> APIRouter:
    """GET list; POST add, edit, test, pause, resume, remove."""
    router = APIRouter()

    @router.get("/list")
    def listed() -> dict[str, Any]:
        return _listed(backend)

    @router.post("/add")
    def add(typed: Typed) -> dict[str, str]:
        require(Role.OPERATOR)
        backend.sources.add(typed.name.strip(), typed.model_dump())
        return {"name": typed.name.strip()}

    @router.post("/edit")
    def edit(typed: Typed) -> dict[str, str]:
        require(Role.OPERATOR)
        backend.sources.edit(typed.name, typed.model_dump())
        return {"name": typed.name}

    @router.post("/test")
    def test(asked: Asked) -> dict[str, Any]:
        require(Role.OPERATOR)
        return backend.sources.look(asked.uri, asked.name)

    @router.post("/pause")
    def pause(one: Named) -> dict[str, str]:
        require(Role.OPERATOR)
        pause_source(backend.engine, one.name, paused=True)
        return {"name": one.name}

    @router.post("/resume")
    def resume(one: Named) -> dict[str, str]:
        require(Role.OPERATOR)
        pause_source(backend.engine, one.name, paused=False)
        return {"name": one.name}

    @router.post("/remove")
    def remove(one: Named) -> dict[str, str]:
        require(Role.OPERATOR)
        remove_source(backend.engine, one.name)
        return {"name": one.name}

    return router


def _listed(backend: Backend) -> dict[str, Any]:
    """Each source as `moodline source list --json` has it, with its last 24 hours."""
    reports, trouble = _reports(backend)
    until = utc_now()
    since = until - _DAY
    history = intervals_since(backend.engine, since)
    limits = {line.name: line.fps_limit for line in live_lines(backend.engine)}
    sources = []
    for one in live_status(backend.engine, reports):
        intervals = [
            {
                "state": str(part.state),
                "reason": part.reason,
                "since": max(part.since, since).timestamp(),
                "until": min(part.until, until).timestamp(),
            }
            for part in history.get(one["name"], ())
        ]
        sources.append(one | {"fps_limit": limits.get(one["name"]), "history": intervals})
    span = {"since": since.timestamp(), "until": until.timestamp()}
    return {"sources": sources, "trouble": trouble, "span": span}


def _reports(backend: Backend) -> tuple[list[SourceReport], str]:
    url = backend.broker_url()
    if not url:
        return [], ""
    try:
        bus = Bus.connect(url)
        try:
            return Presence(bus, SourceReport).living(), ""
        finally:
            bus.close()
    except BrokerError as exc:
        return [], exc.line()
