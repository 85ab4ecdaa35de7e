"""The hub sends viewers of Now each change once, and the newest picture."""

import base64
import json
from collections.abc import Mapping

import pytest

from contracts.errors import TooManyViewersError
from contracts.settings import Settings
from dashboard.now.hub import MAX_VIEWERS, Hub
from records.database import open_engine
from serving.backend import Backend
from serving.live_reader import LiveReader, LiveSnapshot, Tile


def events(sent: bytes) -> list[tuple[str, object]]:
    blocks = [one.split("\n", 1) for one in sent.decode().split("\n\n") if one]
    return [(k.removeprefix("event: "), json.loads(d.removeprefix("data: "))) for k, d in blocks]


@pytest.fixture
def hub() -> Hub:
    engine = open_engine("sqlite:////nowhere/records.db")
    return Hub(LiveReader(Backend(engine, Settings())))


def snapshot(pictures: Mapping[str, bytes] | None = None, **fps: float) -> LiveSnapshot:
    tiles = {name: tile(name, value) for name, value in fps.items()}
    return LiveSnapshot(tiles, pictures or {}, "")


def tile(name: str, fps: float, captured_at: float | None = None) -> Tile:
    return Tile(name, "streaming", "", None, (), "0", fps, None, None, captured_at)


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


def test_a_later_picture_is_sent_even_if_it_equals_the_one_before(hub: Hub) -> None:
    """A page hides its picture when a mask changes; a still scene must come back."""

    def seen(captured_at: float) -> LiveSnapshot:
        return LiveSnapshot({"door": tile("door", 5.0, captured_at)}, {"door": b"a"}, "")

    assert hub.update(seen(1.0), 0.0)
    assert not hub.update(seen(1.0), 1.0)
    version = hub.version
    assert hub.update(seen(2.0), 2.0)
    assert ("picture", {"name": "door", "jpeg": "YQ=="}) in events(hub.events_since(version))


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
