"""What the page System and privacy asks. Who erases is an admin."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, BaseModel, Field

from analytics.audit import audit_entries
from analytics.history.source_selection import history_sources
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import Scope
from analytics.runs.dead_letters import list_dead_letters
from analytics.storage import storage
from contracts.errors import MoodlineError
from contracts.times import utc_now
from dashboard.system.notice import notice
from dashboard.web.access import Role, require
from dashboard.web.backend import Backend

_MOST_LETTERS: Final = 100
_MOST_AUDIT: Final = 100

Words = Annotated[str, Field(max_length=512)]


class Erasure(BaseModel):
    """What is to be erased; what is given must all hold. dry_run: only count it."""

    source: Words = ""
    run: Words = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    dry_run: bool = True


def routes(backend: Backend) -> APIRouter:
    """GET overview, audit, notice; POST erase."""
    router = APIRouter()

    @router.get("/overview")
    def overview() -> Any:
        return _plain(_overview(backend))

    @router.get("/audit")
    def audit() -> Any:
        return _plain({"entries": audit_entries(backend.engine, limit=_MOST_AUDIT)})

    @router.post("/erase")
    def erased(asked: Erasure) -> Any:
        person = require(Role.ADMIN)
        scope = Scope(asked.source or None, asked.run or None, asked.since, asked.until)
        actor = person.name or "dashboard on this machine"
        receipt = erase(backend.engine, scope, actor=actor, dry_run=asked.dry_run)
        if not asked.dry_run:
            backend.forget_erased(receipt)
        return _plain(asdict(receipt))

    @router.get("/notice")
    def printed(
        place: Annotated[str, Query(max_length=200)] = "",
        contact: Annotated[str, Query(max_length=300)] = "",
        purpose: Annotated[str, Query(max_length=300)] = "",
    ) -> HTMLResponse:
        return HTMLResponse(notice(backend.settings, place, contact, purpose))

    return router


def _overview(backend: Backend) -> dict[str, Any]:
    """Each part on its own: what cannot be known says why, and the others stay."""
    settings = backend.settings
    parts: dict[str, Any] = {
        "status": backend.status,
        "jobs": backend.jobs,
        "storage": lambda: asdict(storage(backend.engine, settings.keep_faces_days, utc_now())),
        "letters": lambda: [
            asdict(one) for one in list_dead_letters(backend.engine, limit=_MOST_LETTERS)
        ],
        "sources": lambda: [one.name for one in history_sources(backend.engine)],
    }
    found: dict[str, Any] = {"errors": {}}
    for name, ask in parts.items():
        try:
            found[name] = ask()
        except MoodlineError as exc:
            found["errors"][name] = exc.line()
    found["kept"] = {
        "faces": settings.keep_faces_days,
        "frames": settings.keep_frames_days,
        "minutes": settings.keep_minutes_days,
        "rollups": settings.keep_rollups_days,
        "uploads": settings.keep_uploads_days,
    }
    found["live_view"] = str(settings.live_view)
    return found


def _plain(values: Any) -> Any:
    """Moments as seconds since 1970, for the viewer's own clock."""
    if isinstance(values, datetime):
        return values.timestamp()
    if isinstance(values, dict):
        return {name: _plain(one) for name, one in values.items()}
    if isinstance(values, (list, tuple)):
        return [_plain(one) for one in values]
    return values
