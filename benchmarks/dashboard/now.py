"""Now with many viewers: the age of tiles and pictures, and the load on the server."""

import asyncio
import base64
import json
import os
import statistics
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Final

import psutil

from benchmarks.dashboard.server import LIVE_SOURCES
from broker.bus import Bus
from broker.live_view import FaceReading, SourceView
from broker.presence import Presence
from broker.reports import SourceReport
from contracts.times import to_micros, utc_now

VIEWERS: Final = 50
SECONDS: Final = float(os.environ.get("BENCH_NOW_S", "60"))
_PUBLISH_EVERY_S: Final = 0.4
_SAMPLE_EVERY_S: Final = 0.1
_WARM_UP_S: Final = 5
_STAMP: Final = struct.Struct(">qx")
"""The capture time of a generated picture, in nine bytes: twelve characters in base64."""
_JPEG: Final = b"\xff\xd8\xff"
"""The first bytes of a picture."""


@dataclass(frozen=True, slots=True)
class NowTimes:
    """Ages in seconds of what viewers see, and the server's load in cores.

    viewers: those that received a picture of every source.
    """

    tile_p95_s: float
    picture_p95_s: float
    samples: int
    viewers: int
    server_cpu: float


def measure_now(address: str, broker: str, key: bytes, server: psutil.Process) -> NowTimes:
    """Publish views as workers do, and sample the ages of what VIEWERS viewers have.

    key: the broker's, from the server's database.
    """
    stop = threading.Event()
    publisher = threading.Thread(target=publish_views, args=(broker, key, stop), daemon=True)
    publisher.start()
    host, port = address.removeprefix("http://").split(":")
    before, begin = server.cpu_times(), time.monotonic()
    viewers = asyncio.run(_run_viewers(host, int(port)))
    after, taken_s = server.cpu_times(), time.monotonic() - begin
    stop.set()
    publisher.join()
    tiles = [age for viewer in viewers for age in viewer.tile_ages]
    pictures = [age for viewer in viewers for age in viewer.picture_ages]
    return NowTimes(
        tile_p95_s=statistics.quantiles(tiles, n=20)[-1],
        picture_p95_s=statistics.quantiles(pictures, n=20)[-1],
        samples=len(pictures),
        viewers=sum(len(viewer.pictures) == LIVE_SOURCES for viewer in viewers),
        server_cpu=(after.user + after.system - before.user - before.system) / taken_s,
    )


def publish_views(url: str, key: bytes, stop: threading.Event) -> None:
    """Publish views of all sources until `stop`. No two pictures are equal: Now drops copies."""
    bus = Bus.connect(url, key)
    presence = Presence(bus, SourceReport)
    since = utc_now().isoformat()
    noise = os.urandom(24_000)
    reading = FaceReading(1, 0.1, 0.1, 0.2, 0.2, "happy", 0.8, (0.0, 0.0, 0.0, 0.8, 0.1, 0.0, 0.1))
    while not stop.is_set():
        begin = time.monotonic()
        for number in range(LIVE_SOURCES):
            name = f"live{number}"
            presence.send_heartbeat(
                SourceReport(name, "streaming", "", since, "here", "run", 5.0, 0.1), alive_for_s=5
            )
            now = to_micros(utc_now())
            picture = _JPEG + _STAMP.pack(now) + noise
            SourceView(name, "run", now, 640, 360, (reading,), picture).publish(bus)
        stop.wait(max(_PUBLISH_EVERY_S - (time.monotonic() - begin), 0.0))
    bus.close()


@dataclass(slots=True)
class _Viewer:
    """One viewer. tiles, pictures: capture time of the newest, by source, in seconds since 1970."""

    tiles: dict[str, float] = field(default_factory=dict)
    pictures: dict[str, float] = field(default_factory=dict)
    tile_ages: list[float] = field(default_factory=list)
    picture_ages: list[float] = field(default_factory=list)

    def receive(self, kind: bytes, data: bytes) -> None:
        if kind == b"tile":
            tile = json.loads(data)
            if tile["captured_at"]:
                self.tiles[tile["name"]] = tile["captured_at"]
        elif kind == b"picture":
            name = data[10 : data.index(b'"', 10)].decode()
            at = data.index(b'"jpeg": "') + 9 + len(base64.b64encode(_JPEG))
            (taken_us,) = _STAMP.unpack(base64.b64decode(data[at : at + 12]))
            self.pictures[name] = taken_us / 1e6

    def sample(self) -> None:
        now = time.time()
        self.tile_ages += [now - at for at in self.tiles.values()]
        self.picture_ages += [now - at for at in self.pictures.values()]


async def _run_viewers(host: str, port: int) -> list[_Viewer]:
    viewers = [_Viewer() for _ in range(VIEWERS)]
    async with asyncio.TaskGroup() as group:
        sampler = group.create_task(_sample_ages(viewers))
        clients = [
            group.create_task(_view(viewer, host, port, f"192.0.2.{number}"))
            for number, viewer in enumerate(viewers)
        ]
        await asyncio.wait(clients)
        sampler.cancel()
    return viewers


async def _sample_ages(viewers: list[_Viewer]) -> None:
    """Sample all viewers' ages ten times per second, after a warm-up."""
    await asyncio.sleep(_WARM_UP_S)
    while True:
        for viewer in viewers:
            viewer.sample()
        await asyncio.sleep(_SAMPLE_EVERY_S)


async def _view(viewer: _Viewer, host: str, port: int, address: str) -> None:
    """Receive events. address: the viewer's, as of a proxy; one address may have few streams."""
    reader, writer = await asyncio.open_connection(host, port, limit=2**22)
    lines = f"Host: {host}:{port}\r\nX-Forwarded-For: {address}\r\n\r\n"
    writer.write(f"GET /api/now/events HTTP/1.1\r\n{lines}".encode())
    begin, kind = time.monotonic(), b""
    while time.monotonic() - begin < SECONDS:
        line = await asyncio.wait_for(reader.readline(), 30)
        if line.startswith(b"event: "):
            kind = line[7:].strip()
        elif line.startswith(b"data: "):
            viewer.receive(kind, line[6:])
    writer.close()
