"""What viewers of Now are told, and what not."""

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.live_view import Reading, View
from broker.presence import Presence, SourceReport
from contracts.errors import TooManyViewersError
from contracts.settings import Settings
from contracts.times import to_micros, utc_now
from dashboard.now.hub import MOST_VIEWERS, Hub
from dashboard.now.reader import Look, Reader, Tile
from dashboard.web.backend import Backend
from records.database import open_engine, upgrade
from records.sources.live_sources import SourceSettings, add_source


def events(told: bytes) -> list[tuple[str, object]]:
    blocks = [one.split("\n", 1) for one in told.decode().split("\n\n") if one]
    return [(k.removeprefix("event: "), json.loads(d.removeprefix("data: "))) for k, d in blocks]


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    return Hub(Reader(Backend(engine, Settings())))


def look(pictures: Mapping[str, bytes] | None = None, **fps: float) -> Look:
    tiles: dict[str, Tile] = {name: {"name": name, "fps": value} for name, value in fps.items()}
    return Look(tiles, pictures or {}, "")


def test_a_new_viewer_is_told_everything_and_then_only_what_changes(hub: Hub) -> None:
    assert hub.take(look(door=5.0, hall=4.0), 0.0)
    told = events(hub.since(-1))
    assert told[0] == ("all", {"names": ["door", "hall"], "trouble": ""})
    assert [kind for kind, _ in told] == ["all", "tile", "tile"]
    turn = hub.turn
    assert not hub.take(look(door=5.0, hall=4.0), 1.0)
    assert hub.turn == turn and hub.since(turn) == b""
    assert hub.take(look(door=5.0, hall=3.0), 2.0)
    assert events(hub.since(turn)) == [("tile", {"name": "hall", "fps": 3.0})]


def test_who_is_slow_is_told_the_newest_alone(hub: Hub) -> None:
    for turn in range(50):
        hub.take(look(door=float(turn), pictures={"door": b"%d" % turn}), 10.0 * turn)
    told = events(hub.since(3))
    assert told == [
        ("tile", {"name": "door", "fps": 49.0}),
        ("picture", {"name": "door", "jpeg": "NDk="}),
    ]


def test_pictures_come_twice_a_second_and_are_kept_by_nobody(hub: Hub) -> None:
    hub.take(look(door=5.0, pictures={"door": b"a"}), 0.0)
    assert not hub.take(look(door=5.0, pictures={"door": b"b"}), 0.25)
    assert hub.take(look(door=5.0, pictures={"door": b"c"}), 0.5)
    assert events(hub.since(1)) == [("picture", {"name": "door", "jpeg": "Yw=="})]
    hub.take(look(door=5.0), 1.2)
    assert "picture" not in [kind for kind, _ in events(hub.since(-1))]
    hub.take(look(), 1.4)
    assert events(hub.since(-1)) == [("all", {"names": [], "trouble": ""})]


@pytest.mark.parametrize("every_s", [0.4, 0.2])
def test_the_picture_that_a_viewer_has_is_younger_than_a_second(hub: Hub, every_s: float) -> None:
    """Looks four times a second; a picture is there 0.13 s after it was taken."""
    ages = []
    for tick in range(3000):
        now_s = tick / 50
        if tick % 13 == 0:  # 0.26 s: a look takes a little, too.
            taken_s = (now_s - 0.13) // every_s * every_s
            hub.take(look(door=5.0, pictures={"door": b"%f" % taken_s}), now_s)
        if tick > 100:
            ages.append(now_s - float(base64.b64decode(picture_of(hub))))
    assert sorted(ages)[len(ages) * 95 // 100] < 0.95


def picture_of(hub: Hub) -> str:
    (found,) = [data for kind, data in events(hub.since(-1)) if kind == "picture"]
    assert isinstance(found, dict)
    return str(found["jpeg"])


def test_there_is_an_end_to_how_many_can_look(hub: Hub) -> None:
    hub.viewers = MOST_VIEWERS
    with pytest.raises(TooManyViewersError, match="200 pages"):
        hub.admit()


def test_the_reader_ends_with_its_last_viewer(hub: Hub) -> None:
    async def watch() -> bool:
        stream = hub.watch()
        assert (await anext(stream)).startswith(b"event: clock")
        while b"event: all" not in await anext(stream):
            pass
        task = hub._task
        assert task is not None and not task.done() and hub.viewers == 1
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.wait_for(task, 10)
        return hub.viewers == 0 and hub.since(-1) == b""

    upgrade(hub.reader.backend.engine)
    assert asyncio.run(watch())


def test_viewers_that_leave_together_take_no_lock_with_them(hub: Hub) -> None:
    """Their streams are cancelled as the server does: again and again, until they are over."""

    async def leave() -> int:
        waiting = 0

        async def watch() -> None:
            nonlocal waiting
            async for told in hub.watch():
                waiting += b"event: all" in told

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(watch)
            while waiting < 20 or len(hub._changed._waiters) < 20:  # type: ignore[attr-defined]
                await asyncio.sleep(0)
            group.cancel_scope.cancel()
        assert hub._task is not None
        await asyncio.wait_for(hub._task, 10)
        return hub.viewers

    upgrade(hub.reader.backend.engine)
    assert asyncio.run(leave()) == 0


def test_what_is_read_of_a_source_and_that_the_broker_is_away(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    add_source(engine, "door", SourceSettings("0", "0", None, 5.0, None, ("front",)))
    with EmbeddedBroker() as broker:
        reader = Reader(Backend(engine, Settings(), broker_url=lambda: broker.url))
        assert reader.look().tiles["door"]["state"] == "dead"
        bus = Bus.connect(broker.url)
        since = utc_now().isoformat()
        report = SourceReport("door", "streaming", "", since, "here", "run", 4.96, 0.1)
        Presence(bus, SourceReport).report(report, alive_for_s=60)
        shares = (0.1, 0.0, 0.0, 0.7, 0.1, 0.0, 0.1)
        reading = Reading(7, 0.1, 0.1, 0.2, 0.2, None, 0.41, shares)
        View("door", "run", to_micros(utc_now()), 640, 360, (reading,), b"jpeg").show(bus)
        bus.close()
        found = reader.look()
        tile = found.tiles["door"]
        assert (tile["state"], tile["fps"], tile["tags"]) == ("streaming", 5.0, ["front"])
        (one,) = tile["readings"]
        assert (one["track"], one["label"], one["confidence"]) == (7, "uncertain", 0.41)
        assert sum(one["shares"].values()) == pytest.approx(1.0)
        assert 0 <= tile["behind_s"] < 10 and found.pictures == {"door": b"jpeg"}
        assert found.trouble == ""
    gone = reader.look()
    assert "broker" in gone.trouble and list(gone.tiles) == ["door"]
    assert gone.tiles["door"]["readings"] is None and not gone.pictures
    engine.dispose()
