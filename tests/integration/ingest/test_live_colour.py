"""The colour of a live source: it reaches the live view, and changes no row."""

from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from sqlalchemy import Engine, select

from broker.bus import Bus
from broker.live_view import SourceView
from contracts.chroma import encode_chroma
from contracts.settings import LiveView
from contracts.zones.zone import Zone, ZoneKind, masks_of
from ingest.picture_view import PictureView
from records.tables.faces import Face, Frame
from runtime.decoding.opencv import cv2
from tests.integration.ingest.stepped_camera import Camera, Hand, work
from tests.workers import analyzer, make_worker

COLOUR = PictureView(colour=True)
GAP_S = 0.1
LEFT = Zone(ZoneKind.MASK, "left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))


def red_camera(engine: Engine, bus: Bus, folder: Path, name: str, view: PictureView) -> Camera:
    red = np.zeros((48, 64, 3), np.uint8)
    red[:] = (30, 30, 200)
    hand = Hand(image=VideoFrame.from_ndarray(red, format="bgr24"))
    return Camera(engine, bus, folder / name, name, hand=hand, view=view, gap_s=GAP_S)


def picture(bus: Bus, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    view = SourceView.newest(bus, name)
    assert view is not None
    jpeg = np.frombuffer(view.picture, np.uint8)
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), int)


def rows(engine: Engine, name: str) -> list[tuple[object, ...]]:
    """The frames and faces of the runs of a source, without its keys and times of day."""
    faces = select(Frame.frame_index, Frame.media_time_us, Face.track_id, Face.x, Face.confidence)
    with engine.connect() as connection:
        found = connection.execute(
            faces.join(
                Face, (Face.run_pk == Frame.run_pk) & (Face.frame_index == Frame.frame_index)
            ).order_by(Frame.run_pk, Frame.frame_index)
        )
        return [tuple(row) for row in found]


def test_colour_changes_the_picture_and_no_row(engine: Engine, bus: Bus, tmp_path: Path) -> None:
    stored = {}
    for name, view in (("grey", PictureView()), ("coloured", COLOUR)):
        worker = make_worker("w", bus, engine, analyzer, view=LiveView.CLEAR)
        camera = red_camera(engine, bus, tmp_path, name, view)
        camera.publish(2)
        camera.stop()
        before = rows(engine, name)
        work(worker, engine)
        stored[name] = rows(engine, name)[len(before) :]
    assert stored["grey"] == stored["coloured"] != []
    assert np.ptp(picture(bus, "grey")[30, 40]) <= 3
    blue, green, red = picture(bus, "coloured")[30, 40]
    assert red > 170
    assert max(blue, green) < 60


def test_colour_travels_with_a_frame_in_a_third_of_a_second(
    engine: Engine, bus: Bus, tmp_path: Path
) -> None:
    camera = red_camera(engine, bus, tmp_path, "door", COLOUR)
    camera.publish(3)
    run_id = camera.publisher.run_id
    sent = [one.chroma for one in bus.read({run_id: 1}, 10, block_ms=1)[run_id]]
    bus.drop_committed({run_id: 4})
    camera.publish(3)
    sent += [one.chroma for one in bus.read({run_id: 4}, 10, block_ms=1)[run_id]]
    camera.stop()
    assert [bool(chroma) for chroma in sent] == [True, False, False, False, True, False]
    assert len(sent[0]) == len(encode_chroma(bytes(2 * 32 * 24), 64, 48))


@pytest.mark.parametrize("damaged", [b"", b"MC", b"MC\x02" + bytes(2000)])
def test_a_frame_with_unreadable_colour_is_analysed_and_shown_in_grey(
    engine: Engine, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bytes
) -> None:
    monkeypatch.setattr("ingest.live.run_stream.encode_chroma", lambda *_: damaged or b"x")
    worker = make_worker("w", bus, engine, analyzer, view=LiveView.CLEAR)
    camera = red_camera(engine, bus, tmp_path, "door", COLOUR)
    camera.publish(2)
    camera.stop()
    work(worker, engine)
    assert len(rows(engine, "door")) == 2
    assert np.ptp(picture(bus, "door")[30, 40]) <= 3


def test_a_mask_is_black_in_colour_too(engine: Engine, bus: Bus, tmp_path: Path) -> None:
    worker = make_worker("w", bus, engine, analyzer, view=LiveView.CLEAR)
    masked = PictureView(masks=masks_of((LEFT,)), colour=True)
    camera = red_camera(engine, bus, tmp_path, "door", masked)
    camera.publish(1)
    camera.stop()
    work(worker, engine)
    shown = picture(bus, "door")
    assert shown[40, 15].max() <= 12
    assert shown[40, 50][2] > 170
