"""A stepped camera, a worker, and a clip for the tests of live sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from broker.bus import Bus
from inference_worker.worker import Worker
from tests.integration.ingest.stepped_camera import Camera
from tests.media import VideoSpec, steady, write_video
from tests.workers import analyzer, make_worker


@pytest.fixture
def camera(engine: Engine, bus: Bus, tmp_path: Path) -> Iterator[Camera]:
    one = Camera(engine, bus, tmp_path / "live")
    yield one
    one.hand.over = True
    one.hand.go_on.release()
    one.reader.close()


@pytest.fixture
def worker(engine: Engine, bus: Bus) -> Worker:
    return make_worker("w", bus, engine, analyzer)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of H.264 at 25 fps."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_video(path, steady(250), VideoSpec(gop=25))
    return path
