"""GET /events: what happens, as server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from analytics.history.source_selection import MAX_SOURCES
from analytics.snapshots import in_snapshot
from api.access import require_source, visible_names
from api.events.event import EventType
from api.events.hub import EventHub, Wanted
from api.events.observer import Observer
from serving.access import current_account
from serving.backend import Backend
from serving.live_reader import LiveReader

_RETRY_MS: Final = 3000
_HEARTBEAT: Final = ServerSentEvent(comment="still here")


def add_events(app: FastAPI, backend: Backend) -> None:
    """Add the route."""
    hub = EventHub(Observer(LiveReader(backend)))

    async def wanted(
        types: Annotated[list[EventType], Query(description="Only these types.")] = [],  # noqa: B006
        sources: Annotated[
            list[str], Query(max_length=MAX_SOURCES, description="Only of these sources.")
        ] = [],  # noqa: B006
    ) -> Wanted:
        """Check the request before the answer begins."""
        hub.admit()
        account = current_account()
        names = await run_in_threadpool(in_snapshot, backend.engine, _names, sources)
        return Wanted(names, frozenset(types), account.token)

    @app.get("/events", response_class=EventSourceResponse, tags=["events"])
    async def get_events(
        asked: Annotated[Wanted, Depends(wanted)],
        last_event_id: Annotated[
            str, Header(max_length=64, description="Id of the last event that the client has.")
        ] = "",
    ) -> AsyncIterator[ServerSentEvent]:
        """Events from now on. A new client first gets the present state of the sources.

        Send `Last-Event-ID` to continue after a break; an event `gap` says that some are lost. A
        client that reads too slowly is disconnected.
        """
        yield ServerSentEvent(comment="moodline", retry=_RETRY_MS)
        async for events in hub.follow(asked, last_event_id):
            for number, event in events:
                yield ServerSentEvent(data=event.data, event=event.type, id=number)
            if not events:
                yield _HEARTBEAT


def _names(connection: Connection, asked: list[str]) -> frozenset[str] | None:
    """Return the names that the client may see and wants. Raises SourceNotFoundError."""
    if asked:
        return frozenset(require_source(connection, one) for one in asked)
    names = visible_names(connection)
    return None if names is None else frozenset(names)
