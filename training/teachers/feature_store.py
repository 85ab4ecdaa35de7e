"""Features of faces and of their mirror images, computed in parts that a folder keeps.

A killed computation continues after its last part. The name of a part has hashes of the network's
description and of the faces, so that features of others are never taken.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from training.data.dataset import Split

PART: Final = 1024
"""Faces of a part."""


class Network(Protocol):
    """Returns features [n, width] of grey faces uint8 [n, 48, 48]. digest: of what it computes."""

    digest: str

    def features(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]: ...


@dataclass(frozen=True, slots=True)
class FaceFeatures:
    """Features of n faces and of their mirror images, [n, width] each."""

    plain: npt.NDArray[np.float16]
    mirrored: npt.NDArray[np.float16]

    def __getitem__(self, chosen: npt.NDArray[np.int64]) -> "FaceFeatures":
        return FaceFeatures(self.plain[chosen], self.mirrored[chosen])


def face_features(network: Network, split: Split, folder: Path) -> FaceFeatures:
    """Return the features of all faces of a split, from the folder's parts where they exist."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"{network.digest[:12]}-{split.digest()[:12]}"
    views = {"plain": split.images, "mirrored": split.images[:, :, ::-1]}
    found = {}
    for view, images in views.items():
        parts = []
        for start in range(0, len(images), PART):
            part = folder / f"{prefix}-{view}-{start:06}.npy"
            if not part.exists():
                _write_part(part, network, images[start : start + PART])
                print(f"{part.name}: of {len(images)} faces", file=sys.stderr, flush=True)
            parts.append(np.load(part))
        found[view] = np.concatenate(parts)
    return FaceFeatures(**found)


def _write_part(part: Path, network: Network, images: npt.NDArray[np.uint8]) -> None:
    new = part.with_suffix(".part")
    with new.open("wb") as file:
        np.save(file, network.features(np.ascontiguousarray(images)))
    new.replace(part)
