"""What the page Now asks: the events of the live sources, and the demo's camera."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from dashboard.now.hub import Hub
from dashboard.now.reader import Reader
from dashboard.web.access import Role, require
from dashboard.web.backend import Backend


def routes(backend: Backend) -> APIRouter:
    """GET events: text/event-stream. GET room: why events would be refused.

    POST demo: adds a camera that plays a clip without end.
    """
    router = APIRouter()
    hub = Hub(Reader(backend))

    @router.get("/events")
    async def events() -> StreamingResponse:
        hub.admit()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(hub.watch(), media_type="text/event-stream", headers=headers)

    @router.get("/room")
    def room() -> dict[str, bool]:
        hub.admit()
        return {"room": True}

    @router.post("/demo")
    def demo() -> dict[str, str]:
        require(Role.OPERATOR)
        return {"source": backend.start_demo()}

    return router
