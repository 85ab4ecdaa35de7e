"""Chroma beside luma: its size, its colours, and that the luma does not depend on it."""

from fractions import Fraction

import av
import numpy as np
import pytest

from contracts.chroma import chroma_bytes
from inference_worker.pictures.colour import bgr_picture
from ingest.luma import LumaConverter
from ingest.orientation import Orientation

BLUE, GREEN, RED, SKIN = (200, 30, 20), (40, 180, 60), (30, 20, 190), (120, 150, 210)
"""BGR."""


def quarters(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A picture of four colours, BGR [height, width, 3]."""
    picture = np.empty((height, width, 3), np.uint8)
    middle, centre = height // 2, width // 2
    picture[:middle, :centre], picture[:middle, centre:] = BLUE, GREEN
    picture[middle:, :centre], picture[middle:, centre:] = RED, SKIN
    return picture


def frame_of(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], fmt: str) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=fmt)


@pytest.mark.parametrize("fmt", ["yuv420p", "yuvj420p", "yuv422p", "nv12", "yuv420p10le", "bgr24"])
@pytest.mark.parametrize("max_side", [1280, 100])
def test_a_picture_keeps_its_colours(fmt: str, max_side: int) -> None:
    converter = LumaConverter(Orientation(), Fraction(1), max_side, colour=True)
    luma = converter.convert(frame_of(quarters(160, 120), fmt))

    assert len(luma.chroma) == chroma_bytes(luma.width, luma.height)
    shown = bgr_picture(luma.pixels, luma.chroma, (luma.width, luma.height))
    places = {(0.25, 0.25): BLUE, (0.25, 0.75): GREEN, (0.75, 0.25): RED, (0.75, 0.75): SKIN}
    for (y, x), colour in places.items():
        found = shown[int(y * luma.height), int(x * luma.width)].astype(int)
        assert np.abs(found - colour).max() <= 6, (fmt, colour, found)


@pytest.mark.parametrize("size", [(64, 48), (65, 49), (1, 1), (640, 360)])
@pytest.mark.parametrize("turned", [Orientation(), Orientation(True, True, False)])
def test_luma_does_not_depend_on_chroma(size: tuple[int, int], turned: Orientation) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    frame = frame_of(noise, "yuv444p")
    plain = LumaConverter(turned, Fraction(1), 300).convert(frame)
    coloured = LumaConverter(turned, Fraction(1), 300, colour=True).convert(frame)

    assert (plain.pixels, plain.chroma) == (coloured.pixels, b"")
    assert len(coloured.chroma) == chroma_bytes(coloured.width, coloured.height)


def test_a_grey_frame_has_no_colour() -> None:
    grey = av.VideoFrame.from_ndarray(np.full((48, 64), 90, np.uint8), format="gray")
    luma = LumaConverter(Orientation(), Fraction(1), 640, colour=True).convert(grey)
    assert set(luma.chroma) <= {127, 128, 129}


def test_colour_is_turned_with_the_picture() -> None:
    converter = LumaConverter(Orientation(True, True, False), Fraction(1), 640, colour=True)
    luma = converter.convert(frame_of(quarters(160, 120), "yuv420p"))
    shown = bgr_picture(luma.pixels, luma.chroma, (luma.width, luma.height))
    # A quarter turn clockwise: the lower left corner is now the upper left one.
    assert np.abs(shown[40, 30].astype(int) - RED).max() <= 6
    assert np.abs(shown[40, 90].astype(int) - BLUE).max() <= 6


def test_masks_leave_neither_light_nor_colour() -> None:
    mask = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    converter = LumaConverter(Orientation(), Fraction(1), 640, masks=(mask,), colour=True)
    luma = converter.convert(frame_of(quarters(160, 120), "yuv420p"))
    shown = bgr_picture(luma.pixels, luma.chroma, (luma.width, luma.height))
    assert not shown[:, :80].any()
    assert shown[60:, 90:].any()
