"""Features of views of faces, computed in parts that a folder keeps.

A killed computation continues after its last part. The name of a part has hashes of the network's
description and of the faces, so that features of others are never taken.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from contracts.errors import FaceWeightsError
from training.data.dataset import Split
from training.data.views import view, view_name

PART: Final = 1024
"""Faces of a part."""


class Network(Protocol):
    """Returns features [n, width] of grey faces uint8 [n, 48, 48]. digest: of what it computes."""

    digest: str

    def features(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]: ...


@dataclass(frozen=True, slots=True)
class FaceFeatures:
    """Features of n faces in each view (training.data.views), [n, width] each."""

    views: tuple[npt.NDArray[np.float16], ...]

    @property
    def width(self) -> int:
        """Features of one face."""
        return int(self.views[0].shape[1])

    def __len__(self) -> int:
        return len(self.views[0])

    def __getitem__(self, chosen: npt.NDArray[np.int64]) -> "FaceFeatures":
        return FaceFeatures(tuple(one[chosen] for one in self.views))

    def taken(
        self, faces: npt.NDArray[np.int64], views: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the features [m, width] of faces [m], each in the view [m] of that number."""
        found = np.empty((len(faces), self.width), np.float32)
        for number, one in enumerate(self.views):
            here = views == number
            found[here] = one[faces[here]]
        return found


def face_features(network: Network, split: Split, folder: Path, views: int = 2) -> FaceFeatures:
    """Return the features of all faces of a split, from the folder's parts where they exist."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"{network.digest[:12]}-{split.digest()[:12]}"
    found = []
    for number in range(views):
        parts, images = [], view(split.images, number)
        for start in range(0, len(images), PART):
            part = folder / f"{prefix}-{view_name(number)}-{start:06}.npy"
            if not part.exists():
                _write_part(part, network, images[start : start + PART])
                print(f"{part.name}: of {len(images)} faces", file=sys.stderr, flush=True)
            parts.append(np.load(part))
        found.append(np.concatenate(parts))
    return FaceFeatures(tuple(found))


def main_components(
    features: FaceFeatures, size: int, *, faces: int = 6000
) -> npt.NDArray[np.float16]:
    """Return the `size` main components of the standardised features, [v, n, size].

    They have a mean square of 1 over all faces and components; the first vary most. faces: the
    number that sets the components, chosen at random. Raises FaceWeightsError if there are fewer
    features or faces than that.
    """
    from scipy.sparse.linalg import svds

    most = min(features.width, len(features), faces) - 1
    if size > most:
        raise FaceWeightsError(f"{size} components were asked for; at most {most} can be had")
    rng = np.random.default_rng(0)
    mean, deviation = mean_and_deviation(features.views[0])
    chosen = rng.choice(len(features), min(faces, len(features)), replace=False)
    sample = (features.views[0][chosen].astype(np.float32) - mean) / deviation
    *_, axes = svds(sample, k=size, v0=rng.standard_normal(min(sample.shape)).astype(np.float32))
    axes = axes[::-1]
    scale = np.float32(np.sqrt(np.mean(np.square(sample @ axes.T))))
    found = np.empty((len(features.views), len(features), size), np.float16)
    for number, one in enumerate(features.views):
        for start in range(0, len(one), PART):
            part = one[start : start + PART].astype(np.float32)
            found[number, start : start + PART] = ((part - mean) / deviation) @ axes.T / scale
    return found


def mean_and_deviation(
    features: npt.NDArray[np.float16],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the mean and the standard deviation of each feature, which is never 0."""
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    deviation = features.std(axis=0, dtype=np.float64).astype(np.float32)
    return mean, deviation + np.float32(1e-3)


def _write_part(part: Path, network: Network, images: npt.NDArray[np.uint8]) -> None:
    new = part.with_suffix(".part")
    with new.open("wb") as file:
        np.save(file, network.features(np.ascontiguousarray(images)))
    new.replace(part)
