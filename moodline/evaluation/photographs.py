"""An owner's labelled photographs: a CSV file that names them, read as the pipeline reads faces."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError, ImageError
from contracts.expressions import EXPRESSIONS
from contracts.geometry import Box
from inference_worker.faces.classify import Classifier
from inference_worker.faces.crops import face_crop
from inference_worker.faces.detectors.detection import Detection, Detector
from inference_worker.faces.quality import LEAST_QUALITY, face_quality
from inference_worker.pictures.single_image import decode_image, find_faces
from moodline.evaluation.csv_table import read_table
from runtime.decoding.opencv import cv2
from runtime.files.regular_files import read_regular
from training.data.readers import SYNONYMS
from training.scoring.groups import PhotographReadings

IMAGE_COLUMN = "image"
EXPRESSION_COLUMN = "expression"
_BOX_COLUMNS = ("x", "y", "w", "h")

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Photograph:
    """One row of the file.

    expression: index into EXPRESSIONS. box: the labelled face in pixels of the upright picture;
    None: the largest face. groups: the values of the columns that were asked for.
    """

    path: Path
    expression: int
    box: Box | None
    groups: tuple[str, ...]


def is_photograph_list(path: Path) -> bool:
    """Return whether a file is a CSV that names photographs."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as lines:
        return IMAGE_COLUMN in (csv.DictReader(lines).fieldnames or ())


def read_photographs(path: Path, columns: Sequence[str]) -> list[Photograph]:
    """Read the rows: image (path from the file's folder), expression, x, y, w, h, and `columns`.

    x, y, w, h may be missing or empty. Raises DatasetError.
    """
    photographs = [
        _photograph(path.parent, row, columns, f"{path.name}, row {number}")
        for number, row in enumerate(
            read_table(path, (IMAGE_COLUMN, EXPRESSION_COLUMN, *columns)), 1
        )
    ]
    if not photographs:
        raise DatasetError(f"{path.name} names no photograph")
    return photographs


def _photograph(
    folder: Path, row: dict[str, str], columns: Sequence[str], where: str
) -> Photograph:
    name = (row[EXPRESSION_COLUMN] or "").strip().lower()
    name = SYNONYMS.get(name, name)
    if name not in EXPRESSIONS:
        raise DatasetError(
            f"{where}: {name!r} is not one of the seven expressions",
            hint=f"Use: {', '.join(EXPRESSIONS)}",
        )
    given = [(row.get(column) or "").strip() for column in _BOX_COLUMNS]
    try:
        box = Box(*map(float, given)) if all(given) else None
    except ValueError:
        box = None
    if any(given) and (box is None or min(box.w, box.h) <= 0):
        raise DatasetError(f"{where}: x, y, w, h are not a box in pixels")
    groups = tuple((row[column] or "").strip() for column in columns)
    return Photograph(folder / (row[IMAGE_COLUMN] or ""), EXPRESSIONS.index(name), box, groups)


@dataclass(frozen=True, slots=True)
class FaceReader:
    """Reads the labelled face of a photograph.

    crops: the pictures are face crops already, framed as the model wants them. min_side: of a face
    to detect, in pixels. uncertain_below: confidence.
    """

    detector: Detector
    classifier: Classifier
    min_side: int
    uncertain_below: float
    crops: bool = False

    def read(
        self,
        photographs: Sequence[Photograph],
        columns: Sequence[str],
        on_photograph: Callable[[], None] = lambda: None,
    ) -> PhotographReadings:
        """Return the readings. Raises DatasetError for a file that is not a picture."""
        n = len(photographs)
        probs, found = np.full((n, len(EXPRESSIONS)), 1 / len(EXPRESSIONS)), np.zeros(n, bool)
        readable = np.zeros(n, bool)
        for place, one in enumerate(photographs):
            face = self._face(one)
            if face is not None:
                crop, quality = face
                probs[place], found[place] = self.classifier.classify(crop[None])[0], True
                certain = float(probs[place].max()) >= self.uncertain_below
                readable[place] = certain and quality >= LEAST_QUALITY
            on_photograph()
        return PhotographReadings(
            probs=probs,
            truth=np.array([one.expression for one in photographs], dtype=np.int64),
            found=found,
            readable=readable,
            groups={
                column: [one.groups[place] for one in photographs]
                for place, column in enumerate(columns)
            },
        )

    def _face(self, photograph: Photograph) -> tuple[Image, float] | None:
        """Return the crop and the quality of the labelled face; None if it is not found."""
        luma = _decoded(photograph.path)
        framing = self.classifier.card.framing
        if self.crops:
            method = cv2.INTER_AREA if min(luma.shape) > framing.side else cv2.INTER_LINEAR
            size = (framing.side, framing.side)
            crop = np.asarray(cv2.resize(luma, size, interpolation=method), np.uint8)
            return crop, face_quality(crop, min(luma.shape))
        image = find_faces(luma, self.detector, self.min_side)
        box = None if photograph.box is None else photograph.box.scaled(image.scale, image.scale)
        chosen = _labelled(image.faces, box)
        if chosen is None:
            return None
        crop = face_crop(image.luma, chosen.box, framing, chosen.roll)
        return crop, face_quality(crop, chosen.box.w / image.scale, chosen.pose)


def _labelled(found: Sequence[Detection], box: Box | None) -> Detection | None:
    """Return the detection of the labelled face: the one in its box, or the first."""
    if box is None:
        return next(iter(found), None)
    found = [one for one in found if _is_in(one.box, box)]
    return max(found, key=lambda one: one.box.iou(box), default=None)


def _is_in(face: Box, labelled: Box) -> bool:
    x, y = face.x + face.w / 2, face.y + face.h / 2
    inside_x = labelled.x <= x <= labelled.x + labelled.w
    return inside_x and labelled.y <= y <= labelled.y + labelled.h


def _decoded(path: Path) -> Image:
    try:
        return decode_image(read_regular(path))
    except (OSError, ImageError) as exc:
        reason = exc.line() if isinstance(exc, ImageError) else exc.strerror
        raise DatasetError(f"{path}: {reason}", hint="Remove the row or replace the file") from exc
