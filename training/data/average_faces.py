"""Faces that belong to no one: averages of many aligned training faces that show one emotion.

Faces are grouped by look (k-means on what differs from the emotion's mean), so that each group
gives a "person" with all seven expressions. Nothing of a single face is left in an average.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError
from contracts.expressions import EXPRESSIONS
from training.data.dataset import Dataset, Split

Image = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

PEOPLE = ("a", "b", "c")
"""Names of the groups, in the order of their lightness."""

TILE = 128
"""Side of a tile in pixels: large enough for Haar, a few KB as PNG."""

BACKGROUND = 128.0

_WORK = 96
_MOST_SHIFT = 0.2
_LOOK_SIDE = 12
_LIGHT, _CONTRAST = 128.0, 46.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How many faces an emotion starts with, and how many of a group are averaged."""

    most_agreed: int = 700
    least_share: float = 0.35
    averaged: int = 120
    fewest: int = 40
    most_alike: float = 0.95
    sharpen: float = 2.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class AverageFace:
    """One tile, uint8 [128, 128], and how many faces it is made of."""

    person: str
    emotion: str
    image: npt.NDArray[np.uint8]
    faces: int


def most_agreed(split: Split, emotion: int, recipe: Recipe) -> Indices:
    """The faces with the largest share of votes for the emotion, most agreed first.

    The FER2013 label breaks ties: a face on which both labels agree shows more.
    """
    shares = split.vote_shares[:, emotion] + 0.05 * (split.labels == emotion)
    order = np.argsort(-shares, kind="stable")[: recipe.most_agreed]
    return np.asarray(order[shares[order] >= recipe.least_share], dtype=np.int64)


def standardised(image: npt.NDArray[np.uint8]) -> Image:
    """A face at 96x96 with the mean and contrast that all share."""
    resized = cv2.resize(image, (_WORK, _WORK), interpolation=cv2.INTER_CUBIC)
    large = np.asarray(resized, dtype=np.float32)
    spread = max(float(large.std()), 1.0)
    return np.asarray((large - large.mean()) / spread * _CONTRAST + _LIGHT, dtype=np.float32)


def aligned(face: Image, template: Image) -> Image | None:
    """The face turned and scaled onto the template (ECC, Evangelidis 2008); None if it fails."""
    start = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, found = cv2.findTransformECC(
            template, face, start, cv2.MOTION_AFFINE, criteria, centre_mask(), 5
        )
    except cv2.error:
        # No convergence: a profile or a covered face, which would only blur the average.
        return None
    warp = np.asarray(found, dtype=np.float32)
    if np.abs(warp[:, :2] - np.eye(2)).max() > _MOST_SHIFT or np.abs(warp[:, 2]).max() > _WORK / 4:
        return None
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(face, warp, (_WORK, _WORK), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def centre_mask() -> npt.NDArray[np.uint8]:
    """Where eyes, nose and mouth are, [96, 96]: hair and background must not steer alignment."""
    mask = np.zeros((_WORK, _WORK), dtype=np.uint8)
    cv2.ellipse(
        mask, (_WORK // 2, _WORK // 2), (_WORK * 2 // 5, _WORK * 9 // 20), 0, 0, 360, 255, -1
    )
    return mask


def align_all(faces: list[Image], rounds: int = 2) -> list[Image | None]:
    """Align to the symmetric mean, then to the sharper mean of the aligned ones."""
    template = symmetric(np.mean(faces, axis=0))
    found: list[Image | None] = []
    for _ in range(rounds):
        found = [aligned(face, template) for face in faces]
        kept = [face for face in found if face is not None]
        if not kept:
            raise DatasetError("no face could be aligned to the mean of all")
        template = symmetric(np.mean(kept, axis=0))
    return found


def symmetric(image: npt.NDArray[np.floating]) -> Image:
    """The mean of an image and its mirror image."""
    return np.asarray((image + image[:, ::-1]) / 2.0, dtype=np.float32)


def distinct(faces: npt.NDArray[np.float32], most_alike: float) -> Indices:
    """Rows that are no near-copy of an earlier one: FER2013 holds pictures several times."""
    table = looks(faces)
    table = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6)
    alike = np.triu(table @ table.T, k=1) > most_alike
    return np.asarray(np.flatnonzero(~alike.any(axis=0)), dtype=np.int64)


def looks(faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What sets faces [n, 96, 96] apart from their mean, coarse: [n, 144]."""
    coarse = [cv2.resize(f, (_LOOK_SIDE, _LOOK_SIDE), interpolation=cv2.INTER_AREA) for f in faces]
    # Mirrored halves are averaged, so that light from the left and the right is one look.
    table = np.stack([symmetric(face) for face in coarse]).reshape(len(faces), -1)
    return np.asarray(table - table.mean(axis=0), dtype=np.float32)


def look_distances(tables: list[npt.NDArray[np.float32]], seed: int) -> list[Image]:
    """Distance of every row to the three looks [n, 3]; a column means one look in all tables."""
    cv2.setRNGSeed(seed)
    joined = np.concatenate(tables)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-3)
    start = np.zeros((len(joined), 1), dtype=np.int32)
    _, _, centres = cv2.kmeans(joined, len(PEOPLE), start, criteria, 8, cv2.KMEANS_PP_CENTERS)
    # Ordered by the lightness of the upper edge: hair, the most visible difference.
    centres = centres[np.argsort(centres[:, : _LOOK_SIDE * 2].mean(axis=1))]
    return [np.linalg.norm(table[:, None] - centres[None], axis=2) for table in tables]


def likest(distances: Image, look: int, recipe: Recipe) -> Indices:
    """The rows nearest to a look, and far from the others; at least `fewest`, for rare emotions."""
    lead = distances[:, look] - distances.mean(axis=1)
    nearest = int((distances.argmin(axis=1) == look).sum())
    n = min(recipe.averaged, max(recipe.fewest, nearest))
    return np.asarray(np.argsort(lead, kind="stable")[:n], dtype=np.int64)


def average(faces: npt.NDArray[np.float32], sharpen: float) -> Image:
    """The mean of aligned faces [n, 96, 96] as a sharpened tile [128, 128]."""
    mean = cv2.resize(faces.mean(axis=0), (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    for sigma in (4.0, 2.0):
        mean = mean + sharpen / 2 * (mean - cv2.GaussianBlur(mean, (0, 0), sigma))
    spread = max(float(mean.std()), 1.0)
    return np.asarray((mean - mean.mean()) / spread * _CONTRAST + _LIGHT, dtype=np.float32)


def oval(tile: Image) -> npt.NDArray[np.uint8]:
    """The tile faded to mid-grey outside a soft oval."""
    rows, columns = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    centre = (TILE - 1) / 2.0
    distance = np.hypot((columns - centre) / (0.47 * TILE), (rows - centre) / (0.50 * TILE))
    weight = np.clip((1.0 - distance) / 0.12, 0.0, 1.0)
    faded = np.clip(tile * weight + BACKGROUND * (1.0 - weight), 0, 255)
    return np.asarray(faded, dtype=np.uint8)


def average_faces(data: Dataset, recipe: Recipe) -> list[AverageFace]:
    """All people with all seven expressions, from the training split."""
    split = data.split("train")
    picked = [most_agreed(split, i, recipe) for i in range(len(EXPRESSIONS))]
    if min(len(p) for p in picked) < recipe.fewest:
        raise DatasetError("too few faces agree on an emotion", hint="The votes of FER+ are needed")
    stacks, tables = [], []
    for indices in picked:
        found = align_all([standardised(split.images[i]) for i in indices])
        stack = np.stack([face for face in found if face is not None])
        stack = stack[distinct(stack, recipe.most_alike)]
        stacks.append(stack)
        tables.append(looks(stack))
    faces = []
    distances = look_distances(tables, recipe.seed)
    for emotion, stack, to_looks in zip(EXPRESSIONS, stacks, distances, strict=True):
        for look, person in enumerate(PEOPLE):
            chosen = stack[likest(to_looks, look, recipe)]
            tile = oval(average(chosen, recipe.sharpen))
            faces.append(AverageFace(person, emotion, tile, len(chosen)))
    return faces


def write_faces(faces: list[AverageFace], out: Path) -> None:
    """Write <person>-<emotion>.png each."""
    out.mkdir(parents=True, exist_ok=True)
    for face in faces:
        path = out / f"{face.person}-{face.emotion}.png"
        cv2.imwrite(str(path), face.image, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def contact_sheet(faces: list[AverageFace]) -> npt.NDArray[np.uint8]:
    """People as rows, emotions as columns."""
    rows = [np.hstack([f.image for f in faces if f.person == person]) for person in PEOPLE]
    return np.vstack(rows)
