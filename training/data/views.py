"""Views of faces: as they are, mirrored, and changed at random, the same way every time."""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from training.config import Augmentation
from training.data.augment import augmented

CHANGES: Final = Augmentation(
    rotation_deg=15.0, zoom=0.15, shift_px=4.0, contrast=0.4, brightness=30.0
)
"""Bounds of the views from the third on, of which each may be mirrored too."""

_NAMES, _SEED = ("plain", "mirrored"), 1000


def view(images: npt.NDArray[np.uint8], number: int) -> npt.NDArray[np.uint8]:
    """Return a view of grey faces uint8 [n, 48, 48]: 0 as they are, 1 mirrored, others changed."""
    if number == 0:
        return images
    if number == 1:
        return np.ascontiguousarray(images[:, :, ::-1])
    return augmented(images, CHANGES, np.random.default_rng(_SEED + number))


def view_name(number: int) -> str:
    """Return a name for files; that of a changed view differs with CHANGES."""
    if number < len(_NAMES):
        return _NAMES[number]
    return f"view{number}-{hashlib.sha256(repr(CHANGES).encode()).hexdigest()[:8]}"
