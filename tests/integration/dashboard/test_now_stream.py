"""The live stream of Now, with a database and a broker: viewers that leave, and tiles."""

import asyncio
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from sqlalchemy import Engine

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.live_view import FaceReading, SourceView
from broker.presence import Presence
from broker.reports import SourceReport
from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.frame_results import TrackMark
from contracts.settings import Settings
from contracts.times import to_micros, utc_now
from contracts.zones.zone import Zone, ZoneKind
from dashboard.now.hub import Hub
from dashboard.sources.zones import newest_picture
from moodline.watch.registered import Watched
from records.broker_key import read_broker_key
from records.runs.live_runs import start_live_run
from records.sources.live_sources import SourceSettings, add_source, find_source, set_zones
from serving.backend import Backend
from serving.live_reader import LiveReader

JPEG = b"\xff\xd8\xff and so on"


@pytest.fixture
def hub(sqlite_engine: Engine) -> Hub:
    return Hub(LiveReader(Backend(sqlite_engine, Settings())))


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

    assert asyncio.run(leave()) == 0


def test_a_tile_has_status_and_faces_and_survives_without_a_broker(sqlite_engine: Engine) -> None:
    add_source(sqlite_engine, "door", SourceSettings("0", "0", None, 5.0, None, ("front",)))
    with EmbeddedBroker() as broker:
        reader = LiveReader(Backend(sqlite_engine, Settings(), broker_url=lambda: broker.url))
        assert reader.read().tiles["door"].state == "dead"
        bus = Bus.connect(broker.url, read_broker_key(sqlite_engine))
        since = utc_now().isoformat()
        report = SourceReport("door", "streaming", "", since, "here", "run", 4.96, 0.1)
        Presence(bus, SourceReport).send_heartbeat(report, alive_for_s=60)
        shares = (0.1, 0.0, 0.0, 0.7, 0.1, 0.0, 0.1)
        reading = FaceReading(7, 0.1, 0.1, 0.2, 0.2, None, 0.41, shares)
        photo, glimpse = (
            replace(reading, track_id=number, mark=mark)
            for number, mark in ((8, TrackMark.STATIC), (9, TrackMark.TENTATIVE))
        )
        readings = (reading, photo, glimpse)
        SourceView("door", "run", to_micros(utc_now()), 640, 360, readings, JPEG).publish(bus)
        bus.close()
        found = reader.read()
        tile = found.tiles["door"]
        assert (tile.state, tile.fps, tile.tags) == ("streaming", 5.0, ("front",))
        assert tile.readings is not None and tile.behind_s is not None
        (one,) = tile.readings
        assert (one.track, one.label, one.confidence) == (7, "uncertain", 0.41)
        assert sum(one.shares.values()) == pytest.approx(1.0)
        assert tile.stills == 1
        assert 0 <= tile.behind_s < 10 and found.pictures == {"door": JPEG}
        assert found.error == ""
    gone = reader.read()
    assert "broker" in gone.error and list(gone.tiles) == ["door"]
    assert gone.tiles["door"].readings is None and not gone.pictures


def test_a_new_source_and_its_first_picture_are_shown_at_once(sqlite_engine: Engine) -> None:
    with EmbeddedBroker() as broker:
        reader = LiveReader(Backend(sqlite_engine, Settings(), broker_url=lambda: broker.url))
        assert not reader.read().tiles
        add_source(sqlite_engine, "door", SourceSettings("0", "0", None, 5.0, None))
        bus = Bus.connect(broker.url, read_broker_key(sqlite_engine))
        since = utc_now().isoformat()
        report = SourceReport("door", "streaming", "", since, "here", "run", 4.96, 0.1)
        Presence(bus, SourceReport).send_heartbeat(report, alive_for_s=60)
        SourceView("door", "run", to_micros(utc_now()), 640, 360, (), JPEG).publish(bus)
        bus.close()
        found = reader.read()
    assert list(found.tiles) == ["door"] and found.pictures == {"door": JPEG}


def test_no_picture_shows_what_is_masked_since(sqlite_engine: Engine) -> None:
    """The view of the run before stays in the broker until the new run has a frame."""
    mask = Zone(ZoneKind.MASK, "desk", ((0.1, 0.1), (0.3, 0.1), (0.3, 0.3)))
    add_source(sqlite_engine, "door", SourceSettings("0", "0", None, 5.0, None))

    def begin(*zones: Zone) -> str:
        set_zones(sqlite_engine, "door", zones, None, before=())
        source = find_source(sqlite_engine, "door")
        spec = AnalysisSpec("haar-1", "m", AnalysisOptions(0.4, None, 24, 640, zones=zones))
        return start_live_run(sqlite_engine, source, spec, claimant="test", lease_s=60).run_id

    with EmbeddedBroker() as broker:
        bus = Bus.connect(broker.url, read_broker_key(sqlite_engine))
        backend = Backend(sqlite_engine, Settings(), broker_url=lambda: broker.url)

        def pictures(run_id: str) -> set[str]:
            SourceView("door", run_id, to_micros(utc_now()), 640, 360, (), JPEG).publish(bus)
            reader = LiveReader(backend)
            assert set(reader.read().tiles) == {"door"}  # Now it knows whose pictures it wants.
            shown = set(reader.read().pictures)
            # The editor of zones and `moodline watch` show the same ones.
            watched = Watched(sqlite_engine, bus, "door").view()
            assert watched is not None and bool(watched.picture) == bool(shown)
            assert (newest_picture(backend, "door") is not None) == bool(shown)
            return shown

        before = begin()
        assert pictures(before) == {"door"}
        masked = begin(mask)
        assert pictures(before) == set()
        assert pictures(masked) == {"door"}
        assert pictures("a run that nobody knows") == set()
        # A source that was removed has no masks to compare with: its picture is not shown.
        SourceView("gone", masked, to_micros(utc_now()), 640, 360, (), JPEG).publish(bus)
        gone = Watched(sqlite_engine, bus, "gone").view()
        assert gone is not None and gone.picture == b""
        bus.close()


def test_a_source_is_not_called_unsupervised_while_the_broker_cannot_be_read(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    add_source(sqlite_engine, "door", SourceSettings("0", "0", None, None, None))
    frozen = f"unix://{tmp_path / 'no.sock'}"
    tile = LiveReader(Backend(sqlite_engine, Settings(), broker_url=lambda: frozen)).read().tiles
    assert tile["door"].state == "unknown"
    assert "it is not known whether a process supervises this source" in tile["door"].reason

    tile = LiveReader(Backend(sqlite_engine, Settings())).read().tiles
    assert tile["door"].state == "dead"
