"""Privacy masks: nothing of the masked pixels is left in what ingest hands on."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from contracts.analysis_spec import AnalysisOptions
from contracts.zones.polygons import Polygon
from contracts.zones.zone import Zone, ZoneKind
from ingest.files.source import FileSource
from ingest.live.reader import LiveReader
from ingest.luma import Luma, LumaConverter
from ingest.orientation import Orientation
from ingest.picture_view import PictureView
from ingest.privacy_masks import blackened
from tests.media import VideoSpec, steady, write_video

Picture = npt.NDArray[np.uint8]
DESK: Polygon = ((0.25, 0.1), (0.62, 0.3), (0.5, 0.83), (0.13, 0.71))
WINDOW: Polygon = ((0.8, 0.0), (1.0, 0.0), (1.0, 0.4), (0.8, 0.4))
SIZES = [(720, 1280), (90, 160), (45, 80), (33, 19), (1, 1), (3, 200)]


def noise(height: int, width: int, seed: int) -> Picture:
    return np.random.default_rng(seed).integers(1, 255, (height, width, 3)).astype(np.uint8)


def covered(height: int, width: int, masks: tuple[Polygon, ...]) -> npt.NDArray[np.bool_]:
    """Which pixels a mask touches, by many points inside each pixel."""
    from contracts.zones.polygons import contains

    touched = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            touched[row, column] = any(
                contains(mask, (column + dx) / width, (row + dy) / height)
                for mask in masks
                for dx in (0.02, 0.5, 0.98)
                for dy in (0.02, 0.5, 0.98)
            )
    return touched


@pytest.mark.parametrize("size", SIZES[1:])
def test_every_pixel_that_a_mask_touches_is_black_in_a_plane_of_any_size(
    size: tuple[int, int],
) -> None:
    plane = noise(*size, 1)[..., 0]
    masked = blackened(plane, (DESK, WINDOW))
    inside = covered(*size, (DESK, WINDOW))
    assert not masked[inside].any()
    assert plane.all(), "the plane itself is not changed"


def test_what_is_far_from_a_mask_stays_and_chroma_has_no_colour() -> None:
    plane = noise(360, 640, 2)
    grey, colour = blackened(plane[..., 0], (DESK,)), blackened(plane, (DESK,), 128)
    far = (slice(None), slice(int(0.65 * 640), None))
    assert np.array_equal(grey[far], plane[..., 0][far])
    assert (colour[int(0.5 * 360), int(0.4 * 640)] == 128).all()
    assert blackened(plane, ()) is plane


def ordinary(image: Picture, masks: tuple[Polygon, ...], orientation: Orientation) -> Luma:
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
    converter = LumaConverter(orientation, Fraction(1), 200, masks=masks, colour=True)
    return converter.convert(frame)


@pytest.mark.parametrize("orientation", [Orientation(), Orientation.from_rotation(90)])
def test_the_masked_part_has_no_influence_on_what_is_handed_on(orientation: Orientation) -> None:
    """Given two pictures that differ under the mask only, scaled luma and chroma are the same."""
    height, width = 450, 800
    shape = orientation.upright(np.zeros((height, width), np.uint8)).shape
    upright = blackened(np.full(shape, 255, np.uint8), (DESK,)) == 0
    # The margin of the mask is for its neighbours: what differs lies under the polygon itself.
    core = np.pad(upright, 3)[6:, 6:] & np.pad(upright, 3)[:-6, :-6] & upright
    back = np.array([[i * width + j for j in range(width)] for i in range(height)])
    places = orientation.upright(back)[core]  # type: ignore[arg-type]
    one, other = noise(height, width, 3), noise(height, width, 3)
    other.reshape(-1, 3)[places] = noise(height, width, 4).reshape(-1, 3)[places]
    assert (one != other).mean() > 0.1

    first, second = (ordinary(image, (DESK,), orientation) for image in (one, other))
    bare = ordinary(other, (), orientation)

    assert first == second
    assert bare != second and bare.pixels != second.pixels and bare.chroma != second.chroma


def white(_number: int, size: tuple[int, int]) -> Picture:
    return np.full((size[1], size[0]), 250, np.uint8)


def options(*zones: Zone) -> AnalysisOptions:
    return AnalysisOptions(0.4, None, 24, 1280, zones=zones)


CORNER = Zone(ZoneKind.MASK, "corner", ((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)))


def read_file(path: Path, view: PictureView) -> tuple[bytes, int, int]:
    with FileSource(path, fps=None, max_side=1280, view=view) as source:
        frame = next(iter(source.frames()))
        return frame.luma, frame.width, frame.height


def read_live(path: Path, view: PictureView) -> tuple[bytes, int, int]:
    with LiveReader(str(path), fps=None, max_side=1280, view=view) as reader:
        frame = reader.take(60)
        assert frame is not None
        return frame.luma, frame.width, frame.height


@pytest.mark.parametrize("read", [read_file, read_live])
@pytest.mark.parametrize("rotation", [0, 90])
def test_recordings_and_live_sources_are_masked_upright(
    read: Callable[[Path, PictureView], tuple[bytes, int, int]], rotation: int, tmp_path: Path
) -> None:
    """The mask covers the upper left of the picture as it is displayed."""
    path = tmp_path / "a.mp4"
    write_video(path, steady(4), VideoSpec(rotation=rotation, picture=white))

    luma, width, height = read(path, PictureView.of(options(CORNER)))

    assert (width > height) == (rotation == 0)
    picture = np.frombuffer(luma, np.uint8).reshape(height, width)
    assert not picture[: height // 2, : width // 2].any()
    assert picture[height // 2 + 4 :].min() > 200 and picture[:, width // 2 + 4 :].min() > 200


def test_zones_that_only_include_or_exclude_leave_the_picture_as_it_is() -> None:
    zones = (Zone(ZoneKind.INCLUDE, "a", DESK), Zone(ZoneKind.EXCLUDE, "b", WINDOW))
    assert PictureView.of(options(*zones)).masks == ()
