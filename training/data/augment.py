"""Data augmentation: affine changes, light, erased patches, mixup. Pure except for `rng`.

Plain NumPy, so that a machine that only trains needs no more than that and Keras.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.config import SIDE, Augmentation

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """The input of one training step: faces uint8 [n, 48, 48, 3], targets [n, 7], weights [n].

    hard, soft, soft_weight: see training.data.material.Targets. features: [n, d] of these views.
    """

    faces: npt.NDArray[np.uint8]
    hard: Floats
    soft: Floats
    soft_weight: Floats
    features: Floats


def augmented(
    images: npt.NDArray[np.uint8],
    bounds: Augmentation,
    rng: np.random.Generator,
    *,
    mirrors: bool = True,
) -> npt.NDArray[np.uint8]:
    """Return randomly changed grey faces, uint8 [n, 48, 48], each in its own way.

    They are rotated, zoomed, shifted and, with `mirrors`, mirrored; contrast and brightness change;
    a rectangle may be erased (random erasing, Zhong et al. 2020).
    """
    n = len(images)
    values = _moved(images.astype(np.float32), bounds, rng)
    mirrored = (rng.random(n) < 0.5) & mirrors
    values[mirrored] = values[mirrored, :, ::-1]
    means = values.mean(axis=(1, 2), keepdims=True)
    contrast = rng.uniform(1.0 - bounds.contrast, 1.0 + bounds.contrast, (n, 1, 1))
    brightness = rng.uniform(-bounds.brightness, bounds.brightness, (n, 1, 1))
    values = (values - means) * contrast.astype(np.float32) + means + brightness.astype(np.float32)
    for i in np.flatnonzero(rng.random(n) < bounds.erase_probability):
        width, height = rng.integers(SIDE // 8, 3 * SIDE // 8, 2)
        left, top = rng.integers(0, SIDE - width), rng.integers(0, SIDE - height)
        values[i, top : top + height, left : left + width] = rng.uniform(0.0, 255.0)
    return np.asarray(np.clip(np.rint(values), 0.0, 255.0), dtype=np.uint8)


def _moved(values: Floats, bounds: Augmentation, rng: np.random.Generator) -> Floats:
    """Return faces [n, 48, 48], rotated, zoomed and shifted, with bilinear interpolation."""
    n, centre = len(values), np.float32((SIDE - 1) / 2.0)
    angle = np.radians(rng.uniform(-bounds.rotation_deg, bounds.rotation_deg, n))
    scale = rng.uniform(1.0 - bounds.zoom, 1.0 + bounds.zoom, n)
    shift = rng.uniform(-bounds.shift_px, bounds.shift_px, (n, 2, 1, 1)).astype(np.float32)
    cosine, sine = ((f(angle) / scale).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) - centre
    rows, columns = rows - shift[:, 0], columns - shift[:, 1]
    rows, columns = (
        cosine * rows - sine * columns + centre,
        sine * rows + cosine * columns + centre,
    )
    top, left = np.floor(rows), np.floor(columns)
    down, right = rows - top, columns - left
    flat, result = values.reshape(n, -1), np.zeros((n, SIDE * SIDE), np.float32)
    for row, row_weight in ((top, 1.0 - down), (top + 1.0, down)):
        for column, column_weight in ((left, 1.0 - right), (left + 1.0, right)):
            place = (_reflected(row) * SIDE + _reflected(column)).reshape(n, -1)
            weight = (row_weight * column_weight).reshape(n, -1)
            result += np.take_along_axis(flat, place, axis=1) * weight
    return result.reshape(values.shape)


def _reflected(place: Floats) -> npt.NDArray[np.int64]:
    """Return the pixel for a place that may lie outside.

    Borders are reflected: a black edge would be a feature that real faces do not have.
    """
    period = 2 * (SIDE - 1)
    within = np.mod(place.astype(np.int64), period)
    return np.asarray(np.where(within < SIDE, within, period - within))


def mixed(batch: TrainingBatch, alpha: float, rng: np.random.Generator) -> TrainingBatch:
    """Return the batch with each face and its targets blended with another's (mixup).

    After Zhang et al. 2018. alpha: of the beta distribution; 0 changes nothing.
    """
    if alpha <= 0.0:
        return batch
    other = rng.permutation(len(batch.faces))
    # The larger share stays with the face itself, so that its vote weight stays valid.
    share = rng.beta(alpha, alpha, len(batch.faces)).astype(np.float32)
    share = np.maximum(share, 1.0 - share)
    # A face without votes has no soft target to blend; such pairs are not mixed.
    share = np.where(batch.soft_weight * batch.soft_weight[other] > 0, share, 1.0)
    share = share.astype(np.float32)
    wide, tall = share[:, None], share[:, None, None, None]
    faces = batch.faces * tall + batch.faces[other] * (1.0 - tall)
    return TrainingBatch(
        faces.astype(np.uint8),
        batch.hard * wide + batch.hard[other] * (1.0 - wide),
        batch.soft * wide + batch.soft[other] * (1.0 - wide),
        batch.soft_weight,
        batch.features * wide + batch.features[other] * (1.0 - wide),
    )
