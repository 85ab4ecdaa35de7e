"""Leakage: near-duplicates of training faces in the splits on which a model is scored."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from runtime.decoding.opencv import cv2
from training.data.dataset import Split

_MAX_BITS: Final = 6
_MIN_CORRELATION: Final = 0.95
_CHUNK_FACES: Final = 256

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A face of the scored split and its most similar training face.

    other: name of the training face. correlation: of the pixels.
    """

    name: str
    other: str
    correlation: float
    same_label: bool


def difference_hash(images: Image) -> npt.NDArray[np.uint64]:
    """Return 64 bits for each of the images [n, h, w] (difference hash).

    Each bit is whether one of 8x8 cells is brighter than its right neighbour.
    """
    small = np.stack([cv2.resize(one, (9, 8), interpolation=cv2.INTER_AREA) for one in images])
    bits = (small[:, :, :-1] > small[:, :, 1:]).reshape(len(images), 64)
    packed: npt.NDArray[np.uint64] = np.packbits(bits, axis=1).view(np.uint64).reshape(-1)
    return packed


def near_duplicates(scored: Split, train: Split) -> list[Duplicate]:
    """Return the faces of `scored` that `train` has too, as they are or mirrored.

    Candidates differ in at most 6 of 64 bits of the difference hash. Their pixels must have a
    correlation of at least 0.95, so that similar poses do not count as one picture.
    """
    hashes = difference_hash(train.images)
    found: dict[int, Duplicate] = {}
    for images in (scored.images, np.ascontiguousarray(scored.images[:, :, ::-1])):
        own = difference_hash(images)
        for start in range(0, len(own), _CHUNK_FACES):
            bits = np.bitwise_count(own[start : start + _CHUNK_FACES, None] ^ hashes[None, :])
            for row, column in zip(*np.nonzero(bits <= _MAX_BITS), strict=True):
                i = start + int(row)
                correlation = _correlation(images[i], train.images[column])
                if correlation < _MIN_CORRELATION:
                    continue
                if i not in found or correlation > found[i].correlation:
                    found[i] = Duplicate(
                        scored.names[i],
                        train.names[column],
                        round(correlation, 4),
                        bool(scored.labels[i] == train.labels[column]),
                    )
    return [found[i] for i in sorted(found)]


def _correlation(one: Image, other: Image) -> float:
    a = one.astype(np.float64).ravel() - one.mean()
    b = other.astype(np.float64).ravel() - other.mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / scale if scale else 0.0
