"""Data augmentation: affine changes, light, erased patches, mixup. Pure except for `rng`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from runtime.decoding.opencv import cv2
from training.config import Augmentation
from training.data.dataset import SIDE

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """The input of one training step: faces uint8 [n, 48, 48, 3], targets [n, 7], weights [n].

    hard, soft, soft_weight: see training.loop.Targets.
    """

    faces: npt.NDArray[np.uint8]
    hard: Floats
    soft: Floats
    soft_weight: Floats


def augmented(
    image: npt.NDArray[np.uint8], bounds: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return a randomly changed grey face, uint8 [48, 48].

    It is rotated, zoomed, shifted and mirrored; contrast and brightness change; a rectangle may be
    erased (random erasing, Zhong et al. 2020).
    """
    centre = (SIDE - 1) / 2.0
    angle = rng.uniform(-bounds.rotation_deg, bounds.rotation_deg)
    scale = rng.uniform(1.0 - bounds.zoom, 1.0 + bounds.zoom)
    rotation = cv2.getRotationMatrix2D((centre, centre), angle, scale)
    matrix = np.asarray(rotation, dtype=np.float64)
    matrix[:, 2] += rng.uniform(-bounds.shift_px, bounds.shift_px, 2)
    # Reflected borders: a black edge would be a feature that real faces do not have.
    moved = np.asarray(
        cv2.warpAffine(image, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
    )
    if rng.random() < 0.5:
        moved = moved[:, ::-1]
    values = moved.astype(np.float32)
    contrast = rng.uniform(1.0 - bounds.contrast, 1.0 + bounds.contrast)
    values = (values - values.mean()) * contrast + values.mean()
    values += rng.uniform(-bounds.brightness, bounds.brightness)
    if rng.random() < bounds.erase_probability:
        width, height = rng.integers(SIDE // 8, 3 * SIDE // 8, 2)
        left, top = rng.integers(0, SIDE - width), rng.integers(0, SIDE - height)
        values[top : top + height, left : left + width] = rng.uniform(0.0, 255.0)
    return np.asarray(np.clip(values, 0.0, 255.0), dtype=np.uint8)


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
    )
