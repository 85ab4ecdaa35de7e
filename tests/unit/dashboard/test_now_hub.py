"""The hub sends viewers of Now each change once, and the newest picture."""

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.live_view import FaceReading, SourceView
from broker.presence import Presence, SourceReport
from contracts.errors import TooManyViewersError
from contracts.settings import Settings
from contracts.times import to_micros, utc_now
from dashboard.now.hub import MAX_VIEWERS, Hub
from dashboard.now.reader import LiveReader, LiveSnapshot, Tile
from dashboard.web.backend import Backend
from records.database import open_engine
from records.schema import upgrade
from records.sources.live_sources import SourceSettings, add_source


def events(sent: bytes) -> list[tuple[str, object]]:
    blocks = [one.split("\n", 1) for one in sent.decode().split("\n\n") if one]
    return [(k.removeprefix("event: "), json.loads(d.removeprefix("data: "))) for k, d in blocks]


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    return Hub(LiveReader(Backend(engine, Settings())))


def snapshot(pictures: Mapping[str, bytes] | None = None, **fps: float) -> LiveSnapshot:
    tiles = {name: tile(name, value) for name, value in fps.items()}
    return LiveSnapshot(tiles, pictures or {}, "")


def tile(name: str, fps: float) -> Tile:
    return Tile(name, "streaming", "", None, (), "0", fps, None, None, None)


def test_a_new_viewer_gets_everything_and_then_only_changes(hub: Hub) -> None:
    assert hub.update(snapshot(door=5.0, hall=4.0), 0.0)
    sent = events(hub.events_since(-1))
    assert sent[0] == ("all", {"names": ["door", "hall"], "trouble": ""})
    assert [kind for kind, _ in sent] == ["all", "tile", "tile"]
    version = hub.version
    assert not hub.update(snapshot(door=5.0, hall=4.0), 1.0)
    assert hub.version == version and hub.events_since(version) == b""
    assert hub.update(snapshot(door=5.0, hall=3.0), 2.0)
    assert tiles_of(hub, version) == {"hall": 3.0}


def test_a_slow_viewer_gets_only_the_newest(hub: Hub) -> None:
    for turn in range(50):
        hub.update(snapshot(door=float(turn), pictures={"door": b"%d" % turn}), 10.0 * turn)
    assert [kind for kind, _ in events(hub.events_since(3))] == ["tile", "picture"]
    assert tiles_of(hub, 3) == {"door": 49.0}
    assert picture_of(hub) == "NDk="


def test_pictures_come_at_most_every_400_ms_and_are_not_kept(hub: Hub) -> None:
    hub.update(snapshot(door=5.0, pictures={"door": b"a"}), 0.0)
    assert not hub.update(snapshot(door=5.0, pictures={"door": b"b"}), 0.25)
    assert hub.update(snapshot(door=5.0, pictures={"door": b"c"}), 0.5)
    assert events(hub.events_since(1)) == [("picture", {"name": "door", "jpeg": "Yw=="})]
    hub.update(snapshot(door=5.0), 1.2)
    assert "picture" not in [kind for kind, _ in events(hub.events_since(-1))]
    hub.update(snapshot(), 1.4)
    assert events(hub.events_since(-1)) == [("all", {"names": [], "trouble": ""})]


@pytest.mark.parametrize("every_s", [0.4, 0.2])
def test_a_viewers_picture_is_younger_than_a_second(hub: Hub, every_s: float) -> None:
    """The hub reads four times a second; a picture is available 0.13 s after its capture."""
    ages = []
    for tick in range(3000):
        now_s = tick / 50
        if tick % 13 == 0:  # 0.26 s: reading takes some time too.
            taken_s = (now_s - 0.13) // every_s * every_s
            hub.update(snapshot(door=5.0, pictures={"door": b"%f" % taken_s}), now_s)
        if tick > 100:
            ages.append(now_s - float(base64.b64decode(picture_of(hub))))
    assert sorted(ages)[len(ages) * 95 // 100] < 0.95


def tiles_of(hub: Hub, version: int) -> dict[str, float]:
    """Return the frame rates in the events of tiles since a version."""
    tiles = [data for kind, data in events(hub.events_since(version)) if kind == "tile"]
    return {one["name"]: one["fps"] for one in tiles if isinstance(one, dict)}


def picture_of(hub: Hub) -> str:
    (found,) = [data for kind, data in events(hub.events_since(-1)) if kind == "picture"]
    assert isinstance(found, dict)
    return str(found["jpeg"])


def test_the_number_of_viewers_is_limited(hub: Hub) -> None:
    hub.viewers = MAX_VIEWERS
    with pytest.raises(TooManyViewersError, match="200 pages"):
        hub.admit()


def test_the_reader_ends_with_its_last_viewer(hub: Hub) -> None:
    async def watch() -> bool:
        stream = hub.stream()
        assert (await anext(stream)).startswith(b"event: clock")
        while b"event: all" not in await anext(stream):
            pass
        task = hub._task
        assert task is not None and not task.done() and hub.viewers == 1
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.wait_for(task, 10)
        return hub.viewers == 0 and hub.events_since(-1) == b""

    upgrade(hub.reader.backend.engine)
    assert asyncio.run(watch())


def test_viewers_that_leave_together_release_the_lock(hub: Hub) -> None:
    """The server cancels a stream again and again until it ends."""

    async def leave() -> int:
        waiting = 0

        async def watch() -> None:
            nonlocal waiting
            async for event in hub.stream():
                waiting += b"event: all" in event

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


def test_a_tile_has_status_and_faces_and_survives_without_a_broker(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    add_source(engine, "door", SourceSettings("0", "0", None, 5.0, None, ("front",)))
    with EmbeddedBroker() as broker:
        reader = LiveReader(Backend(engine, Settings(), broker_url=lambda: broker.url))
        assert reader.read().tiles["door"].state == "dead"
        bus = Bus.connect(broker.url)
        since = utc_now().isoformat()
        report = SourceReport("door", "streaming", "", since, "here", "run", 4.96, 0.1)
        Presence(bus, SourceReport).send_heartbeat(report, alive_for_s=60)
        shares = (0.1, 0.0, 0.0, 0.7, 0.1, 0.0, 0.1)
        reading = FaceReading(7, 0.1, 0.1, 0.2, 0.2, None, 0.41, shares)
        SourceView("door", "run", to_micros(utc_now()), 640, 360, (reading,), b"jpeg").publish(bus)
        bus.close()
        found = reader.read()
        tile = found.tiles["door"]
        assert (tile.state, tile.fps, tile.tags) == ("streaming", 5.0, ("front",))
        assert tile.readings is not None and tile.behind_s is not None
        (one,) = tile.readings
        assert (one.track, one.label, one.confidence) == (7, "uncertain", 0.41)
        assert sum(one.shares.values()) == pytest.approx(1.0)
        assert 0 <= tile.behind_s < 10 and found.pictures == {"door": b"jpeg"}
        assert found.error == ""
    gone = reader.read()
    assert "broker" in gone.error and list(gone.tiles) == ["door"]
    assert gone.tiles["door"].readings is None and not gone.pictures
    engine.dispose()
