"""Average faces: alignment, clusters, and the shipped tiles."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from contracts.expressions import EXPRESSIONS
from runtime.decoding.opencv import cv2
from training.data.average_faces import (
    PEOPLE,
    TILE,
    Recipe,
    aligned,
    appearance,
    average,
    cluster_distances,
    cluster_members,
    distinct,
    fade_outside_oval,
    most_agreed,
    symmetric,
)
from training.data.dataset import Split

ROOT = Path(__file__).parents[3]
FACES = ROOT / "moodline" / "assets" / "faces"


def drawn_face() -> np.ndarray:
    face = np.full((96, 96), 150, np.float32)
    for x, y in ((32, 38), (64, 38)):
        cv2.ellipse(face, (x, y), (8, 4), 0, 0, 360, 40, -1)
    cv2.ellipse(face, (48, 70), (16, 5), 0, 0, 360, 60, -1)
    return cv2.GaussianBlur(face, (0, 0), 2)


def test_a_shifted_face_is_aligned_to_the_template() -> None:
    template = drawn_face()
    shifted = np.roll(template, (4, -3), axis=(0, 1))

    moved = aligned(shifted, template)

    assert moved is not None
    inner = np.s_[12:-12, 12:-12]
    before = np.abs(shifted[inner] - template[inner]).mean()
    assert np.abs(moved[inner] - template[inner]).mean() < before / 5


def test_copies_of_a_face_are_kept_once() -> None:
    rng = np.random.default_rng(0)
    coarse = rng.normal(0, 40, (3, 12, 12)).astype(np.float32)
    faces = np.stack([cv2.resize(face, (96, 96)) for face in (*coarse, coarse[1] * 1.01)])

    assert distinct(faces, 0.95).tolist() == [0, 1, 2]


def test_clusters_are_separate_and_the_same_for_every_expression() -> None:
    rng = np.random.default_rng(4)
    kinds = np.tile(np.arange(3), 20)
    # Each kind has its own dark band; the band of kind 0 is the hair.
    faces = rng.normal(128, 2, (60, 96, 96)).astype(np.float32)
    for face, kind in zip(faces, kinds, strict=True):
        face[kind * 32 : kind * 32 + 16] -= 60

    distances = cluster_distances([appearance(faces[:30]), appearance(faces[30:])], seed=7)

    nearest = [d.argmin(axis=1) for d in distances]
    assert np.array_equal(nearest[0], nearest[1])
    assert (nearest[0][kinds[:30] == 0] == 0).all()
    assert len(cluster_members(distances[0], 0, Recipe(fewest=3, averaged=8))) == 8
    assert len(cluster_members(distances[0], 0, Recipe(fewest=20))) == 20


def test_the_most_agreed_faces_come_first() -> None:
    votes = np.zeros((4, 7), np.float32)
    votes[:, 3] = [10, 6, 2, 6]
    votes[:, 6] = [0, 4, 8, 4]
    labels = np.array([3, 6, 3, 3])
    split = Split(np.zeros((4, 48, 48), np.uint8), labels, votes, ("a", "b", "c", "d"))

    assert most_agreed(split, 3, Recipe(least_share=0.5)).tolist() == [0, 3, 1]


def test_a_tile_is_grey_at_its_edge() -> None:
    tile = fade_outside_oval(average(np.stack([drawn_face()] * 2), sharpen=1.0))

    assert tile.shape == (TILE, TILE)
    assert (tile[0] == 128).all()
    assert (tile[:, 0] == 128).all()
    assert tile[TILE // 4 : -TILE // 4].std() > 10


def test_a_mirrored_image_has_the_same_symmetric_mean() -> None:
    face = np.random.default_rng(0).normal(0, 1, (8, 8)).astype(np.float32)

    assert np.array_equal(symmetric(face), symmetric(face[:, ::-1]))


def test_haar_detects_every_shipped_face() -> None:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")
    for person in PEOPLE:
        for emotion in EXPRESSIONS:
            scene = np.full((288, 384), 128, np.uint8)
            path = FACES / f"{person}-{emotion}.png"
            scene[80 : 80 + TILE, 128 : 128 + TILE] = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            assert len(cascade.detectMultiScale(scene, 1.1, 3, minSize=(48, 48))) == 1, path.name


def test_importing_a_module_does_not_import_tensorflow() -> None:
    modules = ("data.readers", "evaluate", "card", "loop", "export", "compare")
    code = (
        "import importlib, sys\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(f'training.{name}')\n"
        "    assert not {'keras', 'tensorflow'} & set(sys.modules), name"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
