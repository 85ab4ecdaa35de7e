"""Data augmentation, and the recipes that bound it."""

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import TrainingConfigError
from training.config import Augmentation, read_config
from training.data.augment import TrainingBatch, augmented, mixed

RECIPE = Path(__file__).parents[3] / "training" / "configs" / "first.toml"


def test_with_zero_bounds_a_face_is_only_mirrored() -> None:
    face = np.random.default_rng(0).integers(0, 255, (48, 48)).astype(np.uint8)

    images = augmented(np.stack([face] * 20), Augmentation(), np.random.default_rng(1))

    mirrored = [np.array_equal(image, face[:, ::-1]) for image in images]
    same = [np.array_equal(image, face) for image in images]
    assert any(mirrored)
    assert any(same)
    assert all(m or s for m, s in zip(mirrored, same, strict=True))


def test_augmentation_is_reproducible_by_seed() -> None:
    bounds = read_config(RECIPE).augmentation
    faces = np.random.default_rng(0).integers(0, 255, (9, 48, 48)).astype(np.uint8)

    first = augmented(faces, bounds, np.random.default_rng(5))
    again = augmented(faces, bounds, np.random.default_rng(5))

    assert first.shape == (9, 48, 48)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)


@pytest.mark.parametrize(
    "bounds",
    [Augmentation(rotation_deg=15.0), Augmentation(zoom=0.15), Augmentation(shift_px=4.0)],
)
def test_a_moved_face_keeps_its_pixels(bounds: Augmentation) -> None:
    rows, columns = np.mgrid[0:48, 0:48]
    blob = (200 * np.exp(-((rows - 20) ** 2 + (columns - 30) ** 2) / 60)).astype(np.uint8)

    moved = augmented(np.stack([blob] * 30), bounds, np.random.default_rng(3))

    places = {np.unravel_index(int(one.argmax()), (48, 48)) for one in moved}
    assert len(places) > 5
    # A blob is neither lost nor smeared by interpolation.
    assert all(abs(int(one.max()) - 200) < 8 for one in moved)
    # Mirrored or not, it moves by no more than 15 degrees, 15 % or four pixels allow.
    for row, column in places:
        assert abs(row - 20) < 6
        assert min(abs(column - 30), abs(column - 17)) < 6


def test_light_changes_and_a_patch_is_erased_within_bounds() -> None:
    faces = np.full((40, 48, 48), 100, np.uint8)
    faces[:, ::2] = 140

    brighter = augmented(faces, Augmentation(brightness=30.0), np.random.default_rng(2))
    erased = augmented(faces, Augmentation(erase_probability=1.0), np.random.default_rng(2))

    assert np.ptp(brighter.mean(axis=(1, 2))) > 30
    assert brighter.max() <= 170
    changed = (erased != faces).mean(axis=(1, 2))
    assert (changed > 0.01).all()
    assert (changed < (18 / 48) ** 2).all()


def test_mixup_keeps_targets_normalised_and_skips_faces_without_votes() -> None:
    rng = np.random.default_rng(2)
    n = 16
    eye = np.eye(7, dtype=np.float32)[np.arange(n) % 7]
    weight = (np.arange(n) % 4 > 0).astype(np.float32)
    faces = rng.integers(0, 255, (n, 48, 48, 3)).astype(np.uint8)
    batch = TrainingBatch(faces, eye, eye * weight[:, None], weight, 2 * eye)

    blended = mixed(batch, 0.4, rng)

    assert blended.hard.sum(axis=1) == pytest.approx(1.0)
    assert blended.soft.sum(axis=1) == pytest.approx(weight)
    assert blended.features == pytest.approx(2 * blended.hard)
    assert np.array_equal(blended.faces[weight == 0], faces[weight == 0])
    assert (blended.hard.argmax(axis=1) == eye.argmax(axis=1)).all()
    assert mixed(batch, 0.0, rng) is batch


def test_every_recipe_in_configs_is_valid() -> None:
    for path in RECIPE.parent.glob("*.toml"):
        assert read_config(path).name == path.stem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'", "has no 'seed'"),
        ("name='x'\nseed=1\n[optimizer]\nepochs=1\nbatsh=2", "batsh"),
        ("name='x'\nseed=1\nspeed=3\n[optimizer]\nepochs=1", "speed"),
        ("name=", "cannot be read"),
    ],
)
def test_an_invalid_recipe_is_rejected(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)

    with pytest.raises(TrainingConfigError, match=message):
        read_config(path)
