"""The zones of a source: the picture to draw them on, and their change."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.live_view import SourceView
from contracts.errors import SourceError
from contracts.settings import LiveView
from contracts.zones.zone import Zones, checked_zones
from records.audit_actions import Action
from records.broker_key import read_broker_key
from records.runs.content_masks import is_masked_as_now
from records.sources.live_sources import MAX_NAME_LENGTH, set_zones
from serving.access import Role, require_role
from serving.audit_trail import AuditTrail
from serving.backend import Backend
from serving.picture_fields import SmallestFace, ZoneFields, ZoneList

_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]


class ZonesRequest(BaseModel):
    """The new zones of a source. before: those that the page drew its changes on.

    min_face_px: the smallest face; None: the setting.
    """

    name: _Name
    zones: ZoneList
    before: ZoneList
    min_face_px: SmallestFace | None = None


def zone_routes(backend: Backend) -> APIRouter:
    """Return GET picture (JPEG; 204 without one) and POST zones. Both need the role operator."""
    router = APIRouter()
    trail = AuditTrail(backend.engine)
    view = backend.settings.live_view

    @router.get("/picture")
    def picture(name: _Name) -> Response:
        require_role(Role.OPERATOR)
        jpeg = newest_picture(backend, name)
        if jpeg is None:
            return Response(status_code=204)
        if view is not LiveView.OFF:
            trail.write_opened(Action.LIVE_VIEW_OPENED, faces=str(view))
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @router.post("/zones")
    def zones(request: ZonesRequest) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        set_zones(
            backend.engine,
            request.name,
            checked_zones((one.zone() for one in request.zones), request.name),
            request.min_face_px,
            before=_stored(request.before, request.name),
            actor=account.actor,
        )
        return {"name": request.name}

    return router


def _stored(values: list[ZoneFields], source: str) -> Zones:
    """Return zones that the page got from here. Raises SourceError."""
    try:
        return checked_zones((one.zone() for one in values), source)
    except SourceError as exc:
        raise SourceError(f"the zones of {source} are not known", hint="Open them again") from exc


def newest_picture(backend: Backend, source: str) -> bytes | None:
    """Return the live view's picture; None without one with the masks of now.

    Raises BrokerError and SourceNotFoundError.
    """
    url = backend.broker_url()
    if not url:
        return None
    bus = Bus.connect(url, read_broker_key(backend.engine))
    try:
        view = SourceView.newest(bus, source)
    finally:
        bus.close()
    if view is None or not view.picture:
        return None
    masked = in_snapshot(backend.engine, is_masked_as_now, source, view.run_id)
    return view.picture if masked else None
