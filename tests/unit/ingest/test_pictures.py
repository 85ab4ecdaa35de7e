"""Pictures: tiled ones, cut-off ones, animations, and the time at which they were taken."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import DecodingLimitError, SourceError
from ingest.decoding_limits import DecodingLimits
from ingest.files.formats.picture_grid import read_picture_grid
from ingest.files.source import FileSource
from ingest.frame_source import SourceFrame
from runtime.decoding.jpeg_data import CutOffPictures, is_cut_off
from runtime.decoding.opencv import cv2
from tests.heif import TILE, Picture, box, tiled_avif

SIZE = (3 * TILE[0], 2 * TILE[1])


def scene() -> Picture:
    """A picture in which every tile, and each corner of it, has another grey."""
    rows, columns = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    levels = 20 + 60 * (rows // TILE[1]) + 30 * (columns // TILE[0]) + columns % 32
    return np.asarray(levels, np.uint8)


def read(path: Path) -> tuple[list[SourceFrame], Picture, FileSource]:
    with FileSource(path, fps=None, max_side=1280) as source:
        frames = list(source.frames())
    first = frames[0]
    return frames, np.frombuffer(first.luma, np.uint8).reshape(first.height, first.width), source


def off(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_a_tiled_picture_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(tiled_avif(scene(), cropped=6))

    frames, picture, source = read(path)

    grid = read_picture_grid(path)
    assert grid is not None and (grid.rows, grid.columns) == (2, 3)
    assert (source.info.display_width, source.info.display_height) == (SIZE[0] - 6, SIZE[1] - 6)
    assert len(frames) == 1
    assert off(picture, scene()[:-6, :-6]) < 4


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([box(b"irot", b"\1")], np.rot90(scene(), 1)),
        ([box(b"irot", b"\3")], np.rot90(scene(), 3)),
        ([box(b"imir", b"\0")], scene()[::-1]),
        ([box(b"irot", b"\1"), box(b"imir", b"\1")], np.rot90(scene(), 1)[:, ::-1]),
    ],
)
def test_a_tiled_picture_is_turned_upright(
    tmp_path: Path, turns: list[bytes], expected: Picture
) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(tiled_avif(scene(), turns=turns))
    _, picture, _ = read(path)
    assert picture.shape == expected.shape
    assert off(picture, expected) < 4


def test_a_tiled_picture_without_one_of_its_tiles_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(tiled_avif(scene(), lost=4))
    with FileSource(path, fps=None, max_side=640) as source:
        assert list(source.frames()) == []
        assert "is damaged" in source.totals.error


def test_a_tiled_picture_has_the_limit_of_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    tiles = tiled_avif(scene())
    size = (SIZE[0]).to_bytes(2, "big") + (SIZE[1]).to_bytes(2, "big")
    assert tiles.count(b"\1\2" + size) == 1
    path.write_bytes(tiles.replace(b"\1\2" + size, b"\1\2\xff\xff\xff\xff"))
    with pytest.raises(DecodingLimitError, match="65535x65535"):
        FileSource(path, fps=None, max_side=640, limits=DecodingLimits(megapixels=40))


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_layout_is_an_error_of_its_file_only(tmp_path: Path, seed: int) -> None:
    content = bytearray(tiled_avif(scene()[: TILE[1], : TILE[0]]))
    chance = np.random.default_rng(seed)
    for place in chance.integers(0, min(500, len(content)), 8):
        content[place] = int(chance.integers(0, 256))
    path = tmp_path / "a.avif"
    path.write_bytes(content)
    read_picture_grid(path)
    try:
        with FileSource(path, fps=None, max_side=640) as source:
            list(source.frames())
    except SourceError as exc:
        assert exc.line()


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ("+02:00", datetime(2021, 5, 6, 5, 8, 9, tzinfo=UTC)),
        ("", datetime(2021, 5, 6, 7, 8, 9, tzinfo=UTC)),
    ],
)
def test_a_photo_has_the_time_at_which_it_was_taken(
    tmp_path: Path, offset: str, expected: datetime
) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(tiled_avif(scene(), taken=("2021:05:06 07:08:09", offset)))
    assert FileSource(path, fps=None, max_side=640).info.creation_time == expected


def jpeg_file(path: Path, exif: bytes = b"") -> bytes:
    _, encoded = cv2.imencode(".jpg", scene())
    data = encoded.tobytes()
    if exif:
        segment = b"Exif\0\0" + exif
        data = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]
    path.write_bytes(data)
    return data


def test_a_jpeg_has_the_time_in_its_exif_header(tmp_path: Path) -> None:
    from tests.heif import exif

    jpeg_file(tmp_path / "a.jpg", exif("2021:05:06 07:08:09", "-03:30")[10:])
    info = FileSource(tmp_path / "a.jpg", fps=None, max_side=640).info
    assert info.creation_time == datetime(2021, 5, 6, 10, 38, 9, tzinfo=UTC)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_a_picture_that_is_cut_off_is_damaged(tmp_path: Path, suffix: str, share: float) -> None:
    _, encoded = cv2.imencode(suffix, scene())
    data = encoded.tobytes()
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError, match=r"is damaged|not a recording"):
        FileSource(path, fps=None, max_side=640)


def test_the_thumbnail_of_a_photo_does_not_hide_that_it_is_cut_off(tmp_path: Path) -> None:
    thumbnail = jpeg_file(tmp_path / "small.jpg")
    data = jpeg_file(tmp_path / "a.jpg", exif=thumbnail)
    assert not is_cut_off(data)
    assert is_cut_off(data[: len(data) - 20])
    assert is_cut_off(data[: len(thumbnail) + 20])


def test_a_stream_without_end_markers_is_whole() -> None:
    _, encoded = cv2.imencode(".jpg", scene())
    marked = encoded.tobytes()
    unmarked = marked[:-2]
    always = CutOffPictures(is_still=False)
    assert [always.is_cut_off(one) for one in (unmarked, unmarked)] == [False, False]
    assert [always.is_cut_off(one) for one in (marked, unmarked)] == [False, True]
    assert CutOffPictures(is_still=True).is_cut_off(unmarked)


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".png"])
def test_an_animation_is_read_frame_by_frame(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Seven parts of five frames.
    monkeypatch.setattr("ingest.files.formats.animated_webp._BYTES_AT_ONCE", 5 * 4 * 64 * 48)
    path, animation = tmp_path / f"a{suffix}", cv2.Animation()
    levels = [(40 * number) % 200 + 20 for number in range(35)]
    animation.frames = [np.full((48, 64, 3), level, np.uint8) for level in levels]
    animation.durations = [100 + 10 * (number % 2) for number in range(35)]
    assert cv2.imwriteanimation(str(path), animation)

    frames, _, _ = read(path)

    means = [np.frombuffer(frame.luma, np.uint8).mean() for frame in frames]
    assert means == pytest.approx(levels, abs=3)
    times_ms = [frame.media_time_us / 1000 for frame in frames]
    assert times_ms == pytest.approx(np.cumsum([0, *animation.durations[:-1]]), abs=1)
    for frame in frames:
        if frame.cursor:
            with FileSource(path, fps=None, max_side=1280) as source:
                assert list(source.frames(frame.cursor)) == frames[frame.frame_index :]
            break
