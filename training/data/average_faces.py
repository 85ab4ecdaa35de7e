"""Average faces: synthetic people, averaged from many aligned training faces of one expression.

The faces of each expression are clustered by appearance (k-means on the difference from the mean).
Each cluster gives a "person" with all seven expressions. An average shows no single real face.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError
from contracts.expressions import EXPRESSIONS
from runtime.decoding.opencv import cv2
from training.data.dataset import Dataset, Split

Image = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

PEOPLE = ("a", "b", "c")
"""Names of the clusters, from dark to light hair."""

TILE = 128
"""Side of a tile in pixels: large enough for the Haar detector, a few KB as PNG."""

BACKGROUND = 128.0

_ALIGNED_SIDE = 96
_MAX_DISTORTION = 0.2
_APPEARANCE_SIDE = 12
_MEAN_GREY, _CONTRAST = 128.0, 46.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parameters of average faces.

    most_agreed: candidate faces per expression. least_share: of votes that a candidate needs.
    averaged, fewest: most and fewest faces of a cluster that are averaged. most_alike: correlation
    above which two faces are copies of one picture. sharpen: strength of the unsharp mask.
    """

    most_agreed: int = 700
    least_share: float = 0.35
    averaged: int = 120
    fewest: int = 40
    most_alike: float = 0.95
    sharpen: float = 2.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class AverageFace:
    """One tile. image: uint8 [128, 128]. faces: how many were averaged."""

    person: str
    emotion: str
    image: npt.NDArray[np.uint8]
    faces: int


def most_agreed(split: Split, emotion: int, recipe: Recipe) -> Indices:
    """Return the indices of the faces with the largest share of votes for an expression.

    The FER2013 label breaks ties: a face on which both labels agree is clearer.
    """
    shares = split.vote_shares[:, emotion] + 0.05 * (split.labels == emotion)
    order = np.argsort(-shares, kind="stable")[: recipe.most_agreed]
    return np.asarray(order[shares[order] >= recipe.least_share], dtype=np.int64)


def standardised(image: npt.NDArray[np.uint8]) -> Image:
    """Return a face as float32 [96, 96] with the common mean and contrast."""
    resized = cv2.resize(image, (_ALIGNED_SIDE, _ALIGNED_SIDE), interpolation=cv2.INTER_CUBIC)
    large = np.asarray(resized, dtype=np.float32)
    spread = max(float(large.std()), 1.0)
    return np.asarray((large - large.mean()) / spread * _CONTRAST + _MEAN_GREY, dtype=np.float32)


def aligned(face: Image, template: Image) -> Image | None:
    """Return the face aligned to the template (ECC, Evangelidis 2008), or None if that fails."""
    start = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, found = cv2.findTransformECC(
            template, face, start, cv2.MOTION_AFFINE, criteria, centre_mask(), 5
        )
    except cv2.error:
        # A profile or a covered face does not converge, and would only blur the average.
        return None
    warp = np.asarray(found, dtype=np.float32)
    if (
        np.abs(warp[:, :2] - np.eye(2)).max() > _MAX_DISTORTION
        or np.abs(warp[:, 2]).max() > _ALIGNED_SIDE / 4
    ):
        return None
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(
        face, warp, (_ALIGNED_SIDE, _ALIGNED_SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, dtype=np.float32)


def centre_mask() -> npt.NDArray[np.uint8]:
    """Return a mask [96, 96] of eyes, nose and mouth; hair and background would misalign faces."""
    mask = np.zeros((_ALIGNED_SIDE, _ALIGNED_SIDE), dtype=np.uint8)
    cv2.ellipse(
        mask,
        (_ALIGNED_SIDE // 2, _ALIGNED_SIDE // 2),
        (_ALIGNED_SIDE * 2 // 5, _ALIGNED_SIDE * 9 // 20),
        0,
        0,
        360,
        255,
        -1,
    )
    return mask


def align_all(faces: list[Image], rounds: int = 2) -> list[Image | None]:
    """Align to the symmetric mean, then to the sharper mean of the aligned faces.

    A face that cannot be aligned is None. Raises DatasetError if none can.
    """
    template = symmetric(np.mean(faces, axis=0))
    found: list[Image | None] = []
    for _ in range(rounds):
        found = [aligned(face, template) for face in faces]
        kept = [face for face in found if face is not None]
        if not kept:
            raise DatasetError("no face could be aligned to the mean of all faces")
        template = symmetric(np.mean(kept, axis=0))
    return found


def symmetric(image: npt.NDArray[np.floating]) -> Image:
    """Return the mean of an image and its mirror image."""
    return np.asarray((image + image[:, ::-1]) / 2.0, dtype=np.float32)


def distinct(faces: npt.NDArray[np.float32], most_alike: float) -> Indices:
    """Return the indices of the first copy of each face: FER2013 has some pictures repeatedly."""
    table = appearance(faces)
    table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6)
    alike = np.triu(table @ table.T, k=1) > most_alike
    return np.asarray(np.flatnonzero(~alike.any(axis=0)), dtype=np.int64)


def appearance(faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the coarse difference of faces [n, 96, 96] from their mean, [n, 144]."""
    coarse = [
        cv2.resize(f, (_APPEARANCE_SIDE, _APPEARANCE_SIDE), interpolation=cv2.INTER_AREA)
        for f in faces
    ]
    # The halves are averaged, so that the side from which light comes does not matter.
    table = np.stack([symmetric(face) for face in coarse]).reshape(len(faces), -1)
    return np.asarray(table - table.mean(axis=0), dtype=np.float32)


def cluster_distances(tables: list[npt.NDArray[np.float32]], seed: int) -> list[Image]:
    """Return the distance of each row to the three clusters, [n, 3] for each table.

    The clusters are those of all tables together: a column means the same in each.
    """
    cv2.setRNGSeed(seed)
    joined = np.concatenate(tables)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-3)
    start = np.zeros((len(joined), 1), dtype=np.int32)
    _, _, centres = cv2.kmeans(joined, len(PEOPLE), start, criteria, 8, cv2.KMEANS_PP_CENTERS)
    # Ordered by the lightness of the upper edge, the hair, which differs most.
    centres = centres[np.argsort(centres[:, : _APPEARANCE_SIDE * 2].mean(axis=1))]
    return [np.linalg.norm(table[:, None] - centres[None], axis=2) for table in tables]


def cluster_members(distances: Image, cluster: int, recipe: Recipe) -> Indices:
    """Return the rows that are nearest to a cluster and far from the others.

    At least `fewest`, because rare expressions have small clusters.
    """
    lead = distances[:, cluster] - distances.mean(axis=1)
    nearest = int((distances.argmin(axis=1) == cluster).sum())
    n = min(recipe.averaged, max(recipe.fewest, nearest))
    return np.asarray(np.argsort(lead, kind="stable")[:n], dtype=np.int64)


def average(faces: npt.NDArray[np.float32], sharpen: float) -> Image:
    """Return the mean of aligned faces [n, 96, 96] as a sharpened tile [128, 128]."""
    mean = cv2.resize(faces.mean(axis=0), (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    for sigma in (4.0, 2.0):
        mean = mean + sharpen / 2 * (mean - cv2.GaussianBlur(mean, (0, 0), sigma))
    spread = max(float(mean.std()), 1.0)
    return np.asarray((mean - mean.mean()) / spread * _CONTRAST + _MEAN_GREY, dtype=np.float32)


def fade_outside_oval(tile: Image) -> npt.NDArray[np.uint8]:
    """Return the tile, faded to mid-grey outside a soft oval."""
    rows, columns = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    centre = (TILE - 1) / 2.0
    distance = np.hypot((columns - centre) / (0.47 * TILE), (rows - centre) / (0.50 * TILE))
    weight = np.clip((1.0 - distance) / 0.12, 0.0, 1.0)
    faded = np.clip(tile * weight + BACKGROUND * (1.0 - weight), 0, 255)
    return np.asarray(faded, dtype=np.uint8)


def average_faces(data: Dataset, recipe: Recipe) -> list[AverageFace]:
    """Return all people with all seven expressions, from the training split.

    Raises DatasetError if too few faces have votes.
    """
    split = data.split("train")
    picked = [most_agreed(split, i, recipe) for i in range(len(EXPRESSIONS))]
    if min(len(p) for p in picked) < recipe.fewest:
        raise DatasetError(
            "too few faces have enough votes for one expression", hint="Add the votes of FER+"
        )
    stacks, tables = [], []
    for indices in picked:
        found = align_all([standardised(split.images[i]) for i in indices])
        stack = np.stack([face for face in found if face is not None])
        stack = stack[distinct(stack, recipe.most_alike)]
        stacks.append(stack)
        tables.append(appearance(stack))
    faces = []
    distances = cluster_distances(tables, recipe.seed)
    for emotion, stack, to_clusters in zip(EXPRESSIONS, stacks, distances, strict=True):
        for cluster, person in enumerate(PEOPLE):
            chosen = stack[cluster_members(to_clusters, cluster, recipe)]
            tile = fade_outside_oval(average(chosen, recipe.sharpen))
            faces.append(AverageFace(person, emotion, tile, len(chosen)))
    return faces


def write_faces(faces: list[AverageFace], out: Path) -> None:
    """Write each tile as <person>-<emotion>.png."""
    out.mkdir(parents=True, exist_ok=True)
    for face in faces:
        path = out / f"{face.person}-{face.emotion}.png"
        cv2.imwrite(str(path), face.image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
