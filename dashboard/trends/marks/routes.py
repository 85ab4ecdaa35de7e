"""The routes of markers: operators set and remove them."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path
from pydantic import AwareDatetime, BaseModel, Field

from analytics.history.source_selection import select_sources
from analytics.snapshots import snapshot
from contracts.errors import MarkerError
from records.markers import MAX_TEXT, Note, add_marker, remove_marker
from serving.access import Account, Role, require_role
from serving.backend import Backend

_MAX_NAME: Final = 512


async def _operator() -> Account:
    """Return the account of the request. It is checked before the body is."""
    return require_role(Role.OPERATOR)


Operator = Annotated[Account, Depends(_operator)]
MarkerId = Annotated[str, Path(min_length=1, max_length=64)]


class NewMarker(BaseModel):
    """A marker. end: None for a moment. source: "" for all sources."""

    text: Annotated[str, Field(max_length=4 * MAX_TEXT)]
    begin: AwareDatetime
    end: AwareDatetime | None = None
    source: Annotated[str, Field(max_length=_MAX_NAME)] = ""


def marker_routes(backend: Backend) -> APIRouter:
    """Return POST markers, and DELETE markers/{marker}."""
    router = APIRouter()
    engine = backend.engine

    @router.post("/markers")
    def add(asked: NewMarker, account: Operator) -> dict[str, str]:
        text = asked.text.strip()
        if not text or len(text) > MAX_TEXT:
            raise MarkerError(
                f"a marker has a text of 1 to {MAX_TEXT} characters", hint="Say what happened"
            )
        source_pk = None
        if asked.source:
            with snapshot(engine) as connection:
                source_pk = select_sources(connection, [asked.source])[0].pk
        note = Note(asked.begin, asked.end or asked.begin, text)
        return {"marker": add_marker(engine, source_pk, note, actor=account.actor)}

    @router.delete("/markers/{marker}")
    def remove(marker: MarkerId, account: Operator) -> dict[str, bool]:
        remove_marker(engine, marker, actor=account.actor)
        return {"removed": True}

    return router
