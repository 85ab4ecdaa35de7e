"""Boxes of faces that do not count: a still face is named, and a glimpse has none."""

from dataclasses import replace

import numpy as np

from contracts.frame_results import TrackMark
from inference_worker.pictures.drawing import DrawnFace, blur_faces, draw_faces


def drawn(mark: TrackMark) -> DrawnFace:
    return DrawnFace(7, 20, 30, 40, 40, "happy", 0.9, mark)


def test_a_still_picture_is_named_and_has_no_expression() -> None:
    face = drawn(TrackMark.STATIC)
    assert face.text == "7 still face"
    assert face.colour == replace(face, label=None, mark=TrackMark.PERSON).colour


def test_a_glimpse_is_blurred_and_has_no_box() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (100, 100, 3)).astype(np.uint8)
    faces = [drawn(TrackMark.TENTATIVE)]
    assert np.array_equal(draw_faces(picture, faces), picture)
    assert not np.array_equal(blur_faces(picture, faces), picture)
