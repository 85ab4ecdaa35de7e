"""Random changes to training faces: small moves, light, patches, mixtures. Pure but for `rng`."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.config import Augmentation
from training.data.dataset import SIDE

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from: faces uint8 [n, 48, 48, 3], targets [n, 7], weights [n]."""

    faces: npt.NDArray[np.uint8]
    hard: Floats
    soft: Floats
    soft_weight: Floats


def augmented(
    image: npt.NDArray[np.uint8], bounds: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """One grey face uint8 [48, 48], moved, mirrored, lit otherwise, perhaps with a patch on it."""
    centre = (SIDE - 1) / 2.0
    angle = rng.uniform(-bounds.rotation_deg, bounds.rotation_deg)
    scale = rng.uniform(1.0 - bounds.zoom, 1.0 + bounds.zoom)
    turned = cv2.getRotationMatrix2D((centre, centre), angle, scale)
    matrix = np.asarray(turned, dtype=np.float64)
    matrix[:, 2] += rng.uniform(-bounds.shift_px, bounds.shift_px, 2)
    # Reflected borders, as a face cut by the frame has no black edge to learn.
    moved = np.asarray(
        cv2.warpAffine(image, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
    )
    if rng.random() < 0.5:
        moved = moved[:, ::-1]
    light = moved.astype(np.float32)
    contrast = rng.uniform(1.0 - bounds.contrast, 1.0 + bounds.contrast)
    light = (light - light.mean()) * contrast + light.mean()
    light += rng.uniform(-bounds.brightness, bounds.brightness)
    if rng.random() < bounds.erase_probability:
        width, height = rng.integers(SIDE // 8, 3 * SIDE // 8, 2)
        left, top = rng.integers(0, SIDE - width), rng.integers(0, SIDE - height)
        light[top : top + height, left : left + width] = rng.uniform(0.0, 255.0)
    return np.asarray(np.clip(light, 0.0, 255.0), dtype=np.uint8)


def mixed(batch: Batch, alpha: float, rng: np.random.Generator) -> Batch:
    """Mixup (Zhang et al. 2018): each face and its targets blended with another's."""
    if alpha <= 0.0:
        return batch
    other = rng.permutation(len(batch.faces))
    # The larger share stays with the face itself, so its vote weight still describes it.
    share = rng.beta(alpha, alpha, len(batch.faces)).astype(np.float32)
    share = np.maximum(share, 1.0 - share)
    # A face without votes has no soft target to blend: such pairs keep their own picture.
    share = np.where(batch.soft_weight * batch.soft_weight[other] > 0, share, 1.0)
    share = share.astype(np.float32)
    wide, tall = share[:, None], share[:, None, None, None]
    faces = batch.faces * tall + batch.faces[other] * (1.0 - tall)
    return Batch(
        faces.astype(np.uint8),
        batch.hard * wide + batch.hard[other] * (1.0 - wide),
        batch.soft * wide + batch.soft[other] * (1.0 - wide),
        batch.soft_weight,
    )
