"""Dataset and Split: labelled faces in memory, independent of the layout on disk."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError
from contracts.expressions import EXPRESSIONS
from runtime.decoding.opencv import cv2

VOTE_COLUMNS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The FER+ columns of the seven expressions, in EXPRESSIONS order."""

OTHER_COLUMNS = ("contempt", "unknown", "NF")
"""FER+'s other columns. NF: not a face."""

_COLUMNS = len(VOTE_COLUMNS) + len(OTHER_COLUMNS)


@dataclass(frozen=True, slots=True)
class Split:
    """The n faces of one split.

    images: grey uint8 [n, 48, 48]. labels: int64 [n], indices into EXPRESSIONS. votes: FER+ votes,
    float32 [n, 7], zeros for faces without votes. names: file names or row numbers. other_votes:
    those for contempt, unknown and no face, float32 [n, 3]; None if they are not known.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    votes: npt.NDArray[np.float32]
    names: tuple[str, ...]
    other_votes: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def voted(self) -> npt.NDArray[np.bool_]:
        """Whether each face has a vote for one of the seven expressions, [n]."""
        return np.asarray(self.votes.sum(axis=1) > 0)

    @property
    def vote_shares(self) -> npt.NDArray[np.float32]:
        """The votes normalised to sum 1, [n, 7]; zeros for faces without votes."""
        totals = self.votes.sum(axis=1, keepdims=True)
        return np.asarray(self.votes / np.maximum(totals, 1.0), dtype=np.float32)

    @property
    def faces(self) -> npt.NDArray[np.uint8]:
        """The images as model input, uint8 [n, 48, 48, 3]."""
        return np.repeat(self.images[..., None], 3, axis=-1)

    def only(self, chosen: npt.NDArray[np.int64]) -> "Split":
        """Return a split with the faces at these indices."""
        names = tuple(self.names[i] for i in chosen)
        others = None if self.other_votes is None else self.other_votes[chosen]
        return Split(self.images[chosen], self.labels[chosen], self.votes[chosen], names, others)

    def digest(self) -> str:
        """Return the SHA-256 of the images in their order, in hexadecimal."""
        return hashlib.sha256(self.images.tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Dataset:
    """The splits of one data set, by name: train, val, test."""

    source: Path
    splits: Mapping[str, Split]

    def split(self, name: str) -> Split:
        """Return the split of that name. Raises DatasetError if there is none."""
        try:
            return self.splits[name]
        except KeyError:
            raise DatasetError(
                f"{self.source.name} has no split {name!r}",
                hint=f"It has: {', '.join(self.splits)}",
            ) from None


@dataclass(slots=True)
class SplitRows:
    """A split that is being read, one face at a time."""

    images: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    votes: list[npt.NDArray[np.float32]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        image: npt.NDArray[np.uint8],
        label: int,
        votes: npt.NDArray[np.float32] | None,
    ) -> None:
        """Append one face. votes: of the seven expressions and the others [10]; None: zeros."""
        self.images.append(image)
        self.labels.append(label)
        self.votes.append(np.zeros(_COLUMNS, np.float32) if votes is None else votes)
        self.names.append(name)

    def split(self) -> Split:
        """Return the rows as a split."""
        votes = np.stack(self.votes)
        others = votes[:, len(VOTE_COLUMNS) :]
        return Split(
            np.stack(self.images),
            np.asarray(self.labels, dtype=np.int64),
            votes[:, : len(VOTE_COLUMNS)],
            tuple(self.names),
            None if np.isnan(others).any() else others,
        )


def resized(faces: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return faces [n, any, any, 3] as [n, side, side, 3], resampled as crops are."""
    if not len(faces) or faces.shape[1] == side:
        return faces
    method = cv2.INTER_AREA if faces.shape[1] > side else cv2.INTER_LINEAR
    images = [cv2.resize(face, (side, side), interpolation=method) for face in faces]
    return np.stack(images).astype(np.uint8)


def require_all_classes(source: str, splits: Mapping[str, Split]) -> None:
    """Raise DatasetError if a split lacks an expression: training or scores would be misleading."""
    for name, split in splits.items():
        counts = np.bincount(split.labels, minlength=len(EXPRESSIONS))
        missing = [emotion for emotion, n in zip(EXPRESSIONS, counts, strict=True) if n == 0]
        if missing:
            raise DatasetError(
                f"{source}: split {name!r} has no faces of {', '.join(missing)}",
                hint=f"Every split needs faces of: {', '.join(EXPRESSIONS)}",
            )
