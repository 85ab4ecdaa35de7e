"""The event stream: who gets which events, in order, with ids that continue after a break."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import structlog
from anyio import BrokenResourceError
from sqlalchemy import Engine
from starlette.types import Receive, Scope, Send

from api.events.event import Event, EventType, Observation, RunProgress, changes
from api.events.hub import MAX_CLIENTS, EventHub, Wanted
from contracts.errors import TooManyViewersError
from dashboard.web.guard import Guard
from records.users.api_tokens import add_token, revoke_token, token_holder
from records.users.roles import TokenScope
from serving.live_reader import Tile, TileFace
from tests.api_program import Program, Site

FACE = TileFace(3, "happy", 0.9, {"happy": 0.9})


def tile(name: str, state: str = "streaming", **more: Any) -> Tile:
    return replace(Tile(name, state, "", None, (), "0", 5.0, None, None, None), **more)


def observation(*tiles: Tile, runs: tuple[RunProgress, ...] = ()) -> Observation:
    return Observation({one.name: one for one in tiles}, {one.run_id: one for one in runs})


@dataclass
class Steps:
    """An observer whose readings a test gives, one at a time."""

    engine: Engine
    now: Observation = field(default_factory=Observation)

    def read(self) -> Observation:
        return self.now

    def close(self) -> None:
        return


def test_only_changes_are_events() -> None:
    door = tile("door", readings=(FACE,), captured_at=1.0)
    first = list(changes(Observation(), observation(door)))
    assert [one.type for one in first] == ["source", "reading"]
    assert first[1].data["faces"][0]["smoothed_emotion"] == "happy"
    later = observation(replace(door, behind_s=0.3))
    assert list(changes(observation(door), later)) == [], "it is only older"
    away = observation(replace(door, state="backing_off", reason="no route", readings=None))
    (event,) = changes(observation(door), away)
    assert (event.type, event.data["reason"]) == ("source", "no route")
    (event,) = changes(observation(door), observation())
    assert event.data["state"] == "removed"
    run = RunProgress("r1", "door", "running", 10, 20)
    (event,) = changes(observation(runs=(run,)), observation(runs=(replace(run, state="done"),)))
    assert (event.type, event.data["state"]) == ("run", "done")


def following(
    engine: Engine, check: Callable[[EventHub, Steps], Coroutine[Any, Any, None]]
) -> None:
    """Run a check with a hub whose readings take no time."""
    steps = Steps(engine)
    hub = EventHub(steps)  # type: ignore[arg-type]

    async def run() -> None:
        async with asyncio.timeout(60):
            await check(hub, steps)

    asyncio.run(run())


def test_a_client_gets_the_present_and_then_what_changes(sqlite_engine: Engine) -> None:
    async def check(hub: EventHub, steps: Steps) -> None:
        steps.now = observation(tile("door"), tile("hall"))
        stream = hub.follow(Wanted(), "")
        first = await anext(stream)
        assert [event.source for _, event in first] == ["door", "hall"]
        steps.now = observation(tile("door", "paused"), tile("hall"))
        ((number, event),) = await anext(stream)
        assert event.data["state"] == "paused"
        hall = hub.follow(Wanted(frozenset({"hall"})), "")
        assert [event.source for _, event in await anext(hall)] == ["hall"]
        hub.add([Event(EventType.RUN, "door", {}), Event(EventType.RUN, "hall", {})])
        ((_, seen),) = await anext(hall)
        assert seen.source == "hall", "a limited client gets nothing of others"
        await stream.aclose()
        resumed = hub.follow(Wanted(types=frozenset({EventType.RUN})), number)
        assert [event.source for _, event in await anext(resumed)] == ["door", "hall"]
        for one in (hall, resumed):
            await one.aclose()

    following(sqlite_engine, check)


@pytest.mark.parametrize("last", ["0123abcd-5", "x", "-", "0123abcd-" + "9" * 30])
def test_a_client_learns_that_it_missed_events(sqlite_engine: Engine, last: str) -> None:
    async def check(hub: EventHub, steps: Steps) -> None:
        steps.now = observation(tile("door"))
        stream = hub.follow(Wanted(), last)
        assert [event.type for _, event in await anext(stream)] == ["gap", "source"]
        await stream.aclose()

    following(sqlite_engine, check)


def test_a_slow_client_is_dropped_and_a_quick_one_is_not(sqlite_engine: Engine) -> None:
    async def check(hub: EventHub, steps: Steps) -> None:
        steps.now = observation(tile("door"))
        slow, quick = hub.follow(Wanted(), ""), hub.follow(Wanted(), "")
        await anext(slow), await anext(quick)
        for _ in range(5):
            hub.add([Event(EventType.RUN, "door", {"n": n}) for n in range(1000)])
            assert len(await anext(quick)) == 1000
        assert len(hub._kept) < 5000, "what is kept is bounded"
        with pytest.raises(StopAsyncIteration):
            await anext(slow)
        await quick.aclose()
        assert hub.clients == 0

    following(sqlite_engine, check)


def test_a_stream_ends_with_its_token(sqlite_engine: Engine) -> None:
    token = add_token(sqlite_engine, "a", TokenScope.READ, actor="test")
    holder = token_holder(sqlite_engine, token)
    assert holder is not None
    pk = holder.pk

    async def check(hub: EventHub, steps: Steps) -> None:
        steps.now = observation(tile("door"))
        stream = hub.follow(Wanted(token=pk), "")
        await anext(stream)
        revoke_token(sqlite_engine, "a", actor="test")
        number = 0
        with pytest.raises(StopAsyncIteration):
            while True:
                number += 1
                steps.now = observation(tile("door", f"state {number}"))
                await anext(stream)

    following(sqlite_engine, check)


def test_there_is_a_limit_of_clients(sqlite_engine: Engine) -> None:
    async def check(hub: EventHub, steps: Steps) -> None:
        hub.clients = MAX_CLIENTS
        with pytest.raises(TooManyViewersError):
            hub.admit()

    following(sqlite_engine, check)


@pytest.mark.parametrize(("broken", "is_logged"), [(BrokenResourceError(), 0), (OSError(), 1)])
def test_a_client_that_goes_is_no_failure(broken: Exception, is_logged: int) -> None:
    """FastAPI closes the stream of a client that has gone while its own tasks write to it."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ExceptionGroup("tasks", [ExceptionGroup("inner", [broken])])

    async def nothing(*_given: Any) -> Any:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/events",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    with structlog.testing.capture_logs() as logged:
        asyncio.run(Guard(app, headers={})(scope, nothing, nothing))
    assert [one["event"] for one in logged] == ["a request failed"] * is_logged


def test_the_stream_over_http(site: Site, limited: Program) -> None:
    with limited.ask("/events", stream=True) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = []
        for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
            lines.append(line)
            if line.startswith("id: "):
                break
    assert "retry: 3000" in lines
    assert "event: source" in lines
    assert any('"source":"gate"' in one.replace(" ", "") for one in lines)
    assert "yard" not in "".join(lines)
    assert limited.ask("/events", params={"sources": "yard"}).status_code == 404
