"""PictureView: how the owner's rotation and mirroring join the container's own."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.files.source import FileSource
from ingest.orientation import Orientation
from ingest.picture_view import PictureView
from tests.media import VideoSpec, steady, write_video

PICTURE = np.arange(6, dtype=np.uint8).reshape(2, 3)
ALL = [Orientation(*flags) for flags in itertools.product((False, True), repeat=3)]


@pytest.mark.parametrize(("first", "second"), list(itertools.product(ALL, ALL)))
def test_one_orientation_after_another_is_one_orientation(
    first: Orientation, second: Orientation
) -> None:
    expected = second.upright(first.upright(PICTURE))
    assert np.array_equal(first.then(second).upright(PICTURE), expected)


@pytest.mark.parametrize(("rotate", "turns"), [(0, 0), (90, -1), (180, 2), (270, 1)])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_view_turns_clockwise_and_mirrors_the_result(
    rotate: int, turns: int, mirror: bool
) -> None:
    expected = np.rot90(PICTURE, turns)
    expected = expected[:, ::-1] if mirror else expected
    view = PictureView(rotate, mirror)
    assert np.array_equal(view.orientation(Orientation()).upright(PICTURE), expected)


@given(st.sampled_from(ALL), st.sampled_from([0, 90, 180, 270]), st.booleans())
def test_a_view_applies_to_the_displayed_picture(
    stored: Orientation, rotate: int, mirror: bool
) -> None:
    view = PictureView(rotate, mirror)
    displayed = stored.upright(PICTURE)
    expected = view.orientation(Orientation()).upright(displayed)
    assert np.array_equal(view.orientation(stored).upright(PICTURE), expected)


@pytest.mark.parametrize("stored", [0, 90])
@pytest.mark.parametrize(("rotate", "mirror"), [(90, False), (180, True), (0, True)])
def test_a_recording_is_read_as_its_owner_turns_it(
    tmp_path: Path, stored: int, rotate: int, mirror: bool
) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, steady(3), VideoSpec(rotation=stored))
    with FileSource(path, fps=None, max_side=1280) as source:
        plain = next(source.frames())
    view = PictureView(rotate, mirror)

    with FileSource(path, fps=None, max_side=1280, view=view) as source:
        turned = next(source.frames())

    pixels = np.frombuffer(plain.luma, np.uint8).reshape(plain.height, plain.width)
    expected = view.orientation(Orientation()).upright(pixels)
    assert (turned.height, turned.width) == expected.shape
    assert (source.info.display_height, source.info.display_width) == expected.shape
    assert turned.luma == expected.tobytes()
