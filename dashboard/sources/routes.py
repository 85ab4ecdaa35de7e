"""The routes of the page Sources. Changes need the role operator."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from analytics.now.live_sources import StateInterval, intervals_since, live_source_counts
from analytics.now.live_status import live_status
from analytics.snapshots import snapshot
from contracts.live_sources import Transport
from contracts.times import utc_now
from dashboard.sources.one_source import source_routes
from dashboard.sources.places import place_routes
from dashboard.sources.zones import zone_routes
from dashboard.web.json_values import json_values
from records.sources.live_sources import MAX_NAME_LENGTH, pause_source, remove_source
from records.sources.renaming import rename_source
from serving.access import Role, require_role
from serving.backend import Backend
from serving.heartbeats import read_current_heartbeats
from serving.picture_fields import TurnFields
from serving.services import AddressFields, SourceForm

_DAY: Final = timedelta(days=1)

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
_Secret = Annotated[str, Field(max_length=256)]
Tag = Annotated[str, Field(min_length=1, max_length=40)]


class SourceName(BaseModel):
    """One source."""

    name: Name


class SourceRequest(SourceName, TurnFields):
    """A live source as typed into the form.

    uri: "" keeps the address of a known source. keep_static: None: the setting. user, password,
    transport: for the address; both "" and None: as it has them.
    """

    uri: Annotated[str, Field(max_length=2048)] = ""
    fps: Annotated[float, Field(ge=0.1, le=240, allow_inf_nan=False)] = 5.0
    tags: Annotated[list[Tag], Field(max_length=20)] = []
    keep_static: bool | None = None
    user: _Secret = ""
    password: _Secret = ""
    transport: Transport | None = None

    def form(self) -> SourceForm:
        """Return the fields without the name."""
        fields = AddressFields(self.user, self.password, self.transport)
        return SourceForm(self.uri, self.fps, tuple(self.tags), self.turn, self.keep_static, fields)


class ProbeRequest(TurnFields):
    """The source to test: an address, or the name of a known source; and how it is turned."""

    uri: Annotated[str, Field(max_length=2048)] = ""
    name: Annotated[str, Field(max_length=MAX_NAME_LENGTH)] = ""
    user: _Secret = ""
    password: _Secret = ""
    transport: Transport | None = None


class Renaming(SourceName):
    """A source, and its new name."""

    new_name: Name


def routes(backend: Backend) -> APIRouter:
    """Return GET list, POST add, edit, test, rename, pause, resume and remove, and the others."""
    router = APIRouter()
    router.include_router(zone_routes(backend))
    router.include_router(place_routes(backend))
    router.include_router(source_routes(backend))

    @router.get("/list")
    def listed() -> dict[str, Any]:
        return _sources_json(backend)

    @router.post("/add")
    def add(source: SourceRequest) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        name = source.name.strip()
        backend.sources.add(name, source.form(), actor=account.actor)
        return {"name": name}

    @router.post("/edit")
    def edit(source: SourceRequest) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        backend.sources.edit(source.name, source.form(), actor=account.actor)
        return {"name": source.name}

    @router.post("/test")
    def test(asked: ProbeRequest) -> Any:
        account = require_role(Role.OPERATOR)
        found = backend.sources.probe(
            asked.uri,
            asked.name,
            asked.turn,
            AddressFields(asked.user, asked.password, asked.transport),
            explained=account.role.covers(Role.ADMIN),
        )
        return json_values(found)

    @router.post("/rename")
    def rename(asked: Renaming) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        name = asked.new_name.strip()
        rename_source(backend.engine, asked.name, name, actor=account.actor)
        return {"name": name}

    @router.post("/pause")
    def pause(source: SourceName) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        pause_source(backend.engine, source.name, paused=True, actor=account.actor)
        return {"name": source.name}

    @router.post("/resume")
    def resume(source: SourceName) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        pause_source(backend.engine, source.name, paused=False, actor=account.actor)
        return {"name": source.name}

    @router.post("/remove")
    def remove(source: SourceName) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        remove_source(backend.engine, source.name, actor=account.actor)
        return {"name": source.name}

    return router


def _sources_json(backend: Backend) -> dict[str, Any]:
    """Return each source as in `moodline source list --json`, with its last 24 hours."""
    heartbeats, error = read_current_heartbeats(backend)
    until = utc_now()
    since = until - _DAY
    with snapshot(backend.engine) as connection:
        statuses = live_status(connection, heartbeats)
        history = intervals_since(connection, since)
        limits = {one.name: one.fps_limit for one in live_source_counts(connection)}
    sources = [
        json_values(one)
        | {
            "fps_limit": limits.get(one.name),
            "history": [_interval_json(part, since, until) for part in history.get(one.name, ())],
        }
        for one in statuses
    ]
    span = {"since": since.timestamp(), "until": until.timestamp()}
    return {"sources": sources, "trouble": error, "span": span}


def _interval_json(part: StateInterval, since: datetime, until: datetime) -> dict[str, Any]:
    """Return an interval of one state, cut off at the range."""
    return {
        "state": str(part.state),
        "reason": part.reason,
        "since": max(part.since, since).timestamp(),
        "until": min(part.until, until).timestamp(),
    }
