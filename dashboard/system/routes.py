"""The routes of the page System & privacy. Erasing needs the role admin."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from analytics.audit import audit_entries
from analytics.history.source_selection import history_sources
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.runs.dead_letters import list_dead_letters
from analytics.snapshots import in_snapshot
from analytics.storage import storage_use
from contracts.errors import MoodlineError
from contracts.times import in_zone, utc_now
from dashboard.system.notice import notice
from dashboard.system.tokens import token_routes
from dashboard.system.users import user_routes
from dashboard.web.json_values import json_values
from records.audit_actions import Kind
from records.kept_days import with_stored_days
from serving.access import Role, current_account, require_role
from serving.backend import Backend

_MAX_DEAD_LETTERS: Final = 100
_MAX_AUDIT_ENTRIES: Final = 100

ShortText = Annotated[str, Field(max_length=512)]


class ErasureRequest(BaseModel):
    """The scope of an erasure: rows that meet all given conditions. dry_run: only count them.

    since, until: in MOODLINE_TIMEZONE if they have no offset.
    """

    source: ShortText = ""
    run: ShortText = ""
    since: datetime | None = None
    until: datetime | None = None
    dry_run: bool = True


def routes(backend: Backend) -> APIRouter:
    """Return GET overview, GET audit, GET notice, POST erase, and those of users and tokens."""
    router = APIRouter()
    router.include_router(user_routes(backend))
    router.include_router(token_routes(backend))

    @router.get("/overview")
    def overview() -> dict[str, Any]:
        return _overview(backend)

    @router.get("/audit")
    def audit(kind: Kind | None = None) -> Any:
        if not current_account().role.covers(Role.ADMIN):
            kind = Kind.ERASURE  # Who signs in, and from where, is for admins only.
        found = in_snapshot(backend.engine, audit_entries, limit=_MAX_AUDIT_ENTRIES, kind=kind)
        return {"entries": json_values(found)}

    @router.post("/erase")
    def erased(asked: ErasureRequest) -> Any:
        account = require_role(Role.ADMIN)
        zone = backend.settings.timezone
        since, until = (in_zone(one, zone) if one else None for one in (asked.since, asked.until))
        scope = ErasureScope(asked.source or None, asked.run or None, since, until)
        receipt = erase(
            backend.engine,
            scope,
            actor=account.actor,
            dry_run=asked.dry_run,
            delete_copies=backend.forget_erased,
        )
        return json_values(receipt)

    @router.get("/notice")
    def printed(
        place: Annotated[str, Query(max_length=200)] = "",
        contact: Annotated[str, Query(max_length=300)] = "",
        purpose: Annotated[str, Query(max_length=300)] = "",
        language: Annotated[str, Query(max_length=16)] = "",
    ) -> HTMLResponse:
        settings = in_snapshot(backend.engine, partial(with_stored_days, backend.settings))
        return HTMLResponse(notice(settings, place, contact, purpose, language))

    return router


def _overview(backend: Backend) -> dict[str, Any]:
    """Return the parts of the page. A part that fails has its error instead; others stay."""
    engine = backend.engine
    settings = in_snapshot(engine, partial(with_stored_days, backend.settings))
    parts: dict[str, Callable[[], object]] = {
        "status": backend.status,
        "jobs": backend.jobs,
        "storage": lambda: in_snapshot(engine, storage_use, settings.keep_faces_days, utc_now()),
        "letters": lambda: in_snapshot(engine, list_dead_letters, limit=_MAX_DEAD_LETTERS),
        "sources": lambda: [one.name for one in in_snapshot(engine, history_sources)],
    }
    found: dict[str, Any] = {"errors": {}}
    for name, read in parts.items():
        try:
            found[name] = json_values(read())
        except MoodlineError as exc:
            found["errors"][name] = exc.line()
    found["kept"] = {
        "faces": settings.keep_faces_days,
        "frames": settings.keep_frames_days,
        "minutes": settings.keep_minutes_days,
        "rollups": settings.keep_rollups_days,
        "uploads": settings.keep_uploads_days,
        "audit": settings.keep_audit_days,
    }
    found["live_view"] = str(settings.live_view)
    return found
