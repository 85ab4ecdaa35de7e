"""A worker on live runs: crops of several cameras in one call, and the live view."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy import Engine

from broker.bus import Bus
from broker.live_view import SourceView
from contracts.frame_results import TrackMark
from contracts.frames import FrameMessage
from contracts.geometry import Box
from contracts.settings import LiveView
from inference_worker.faces.detected_faces import DetectedFace, DetectedFaces
from inference_worker.faces.tracks import Track
from tests.integration.ingest.stepped_camera import Camera, ledger, until, work
from tests.workers import CountingAnalyzer, analyzer, make_worker


class CountingClassifier:
    """Says nothing of a crop, and remembers how many came at a time."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def classify(self, crops: np.ndarray) -> np.ndarray:
        self.calls.append(len(crops))
        return np.full((len(crops), 7), 1 / 7)


class OneCropAFrame(CountingAnalyzer):
    """Has a crop of each frame read."""

    def detect(self, frames: Sequence[FrameMessage]) -> DetectedFaces:
        crop = np.zeros((48, 48), np.uint8)
        track, box = cast("Track", None), Box(0, 0, 10, 10)
        face = DetectedFace(track, 1, TrackMark.PERSON, box, crop, 1.0, None, None)
        return DetectedFaces(frames, [[face] for _ in frames])


def test_faces_of_two_cameras_are_read_at_once_and_neither_waits_long(
    camera: Camera, engine: Engine, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Camera(engine, bus, tmp_path / "live", name="hall")
    classifier = CountingClassifier()
    worker = make_worker("w", bus, engine, lambda _run: OneCropAFrame(0), classifier=classifier)
    waits: list[int] = []
    read = Bus.read

    def late_hall(its: Bus, runs: Sequence[str], count: int, *, block_ms: int) -> Any:
        """The other camera's picture comes while this one's is waited with."""
        if hall.publisher.run_id and list(runs) == [hall.publisher.run_id]:
            waits.append(block_ms)
            hall.publish(1)
        return read(its, runs, count, block_ms=block_ms)

    for one in (camera, hall):
        one.publish(1)
    until(lambda: bool(worker.step()) or sum(classifier.calls) == 2)
    classifier.calls.clear()
    monkeypatch.setattr(Bus, "read", late_hall)
    camera.publish(1)
    until(lambda: bool(worker.step()) or sum(classifier.calls) >= 2)
    assert classifier.calls == [2]
    assert waits == [20]
    monkeypatch.undo()
    for one in (camera, hall):
        one.stop()
    work(worker, engine)
    assert ledger(engine).analyzed == 4


def test_the_newest_view_is_in_the_broker_for_seconds(
    camera: Camera, engine: Engine, bus: Bus
) -> None:
    worker = make_worker("w", bus, engine, analyzer, view=LiveView.BLURRED)
    camera.publish(1)
    until(lambda: bool(worker.step()) or SourceView.newest(bus, "door") is not None)
    view = SourceView.newest(bus, "door")
    assert view is not None and view.picture.startswith(b"\xff\xd8")
    assert (view.width, view.height, len(view.readings)) == (64, 48, 1)
    assert 0 < bus.client.pttl(bus.key("door", "view")) <= 5000  # type: ignore[operator]
    assert SourceView.newest(bus, "hall") is None
