"""Near-duplicates across splits: faces that a model may have seen before it is scored on them."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.data.dataset import Split

_MOST_BITS: Final = 6
_LEAST_ALIKE: Final = 0.95
_CHUNK: Final = 256

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A face of one split and the most alike face of another; alike: correlation of pixels."""

    name: str
    other: str
    alike: float
    same_label: bool


def difference_hash(images: Image) -> npt.NDArray[np.uint64]:
    """64 bits an image [n, h, w]: whether each of 8x8 cells is brighter than the one beside it."""
    small = np.stack([cv2.resize(one, (9, 8), interpolation=cv2.INTER_AREA) for one in images])
    bits = (small[:, :, :-1] > small[:, :, 1:]).reshape(len(images), 64)
    packed: npt.NDArray[np.uint64] = np.packbits(bits, axis=1).view(np.uint64).reshape(-1)
    return packed


def near_duplicates(scored: Split, seen: Split) -> list[Duplicate]:
    """Faces of `scored` that `seen` holds too, as they are or mirrored.

    Candidates differ in at most 6 of 64 bits of their difference hash; their pixels must
    correlate by at least 0.95, so that two alike poses are not taken for one picture.
    """
    hashes = difference_hash(seen.images)
    found: dict[int, Duplicate] = {}
    for images in (scored.images, np.ascontiguousarray(scored.images[:, :, ::-1])):
        own = difference_hash(images)
        for start in range(0, len(own), _CHUNK):
            bits = np.bitwise_count(own[start : start + _CHUNK, None] ^ hashes[None, :])
            for row, column in zip(*np.nonzero(bits <= _MOST_BITS), strict=True):
                i = start + int(row)
                alike = _correlation(images[i], seen.images[column])
                if alike >= _LEAST_ALIKE and (i not in found or alike > found[i].alike):
                    found[i] = Duplicate(
                        scored.names[i],
                        seen.names[column],
                        round(alike, 4),
                        bool(scored.labels[i] == seen.labels[column]),
                    )
    return [found[i] for i in sorted(found)]


def _correlation(one: Image, other: Image) -> float:
    a = one.astype(np.float64).ravel() - one.mean()
    b = other.astype(np.float64).ravel() - other.mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / scale if scale else 0.0
