"""Data set readers: folders and zips of split/expression/image, and CSV files of pixels."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError
from contracts.expressions import EXPRESSIONS
from runtime.decoding.opencv import cv2, decode_picture
from training.config import SIDE
from training.data.dataset import (
    OTHER_COLUMNS,
    VOTE_COLUMNS,
    Dataset,
    SplitRows,
    require_all_classes,
)

SPLIT_NAMES = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}
USAGES = {"training": "train", "publictest": "val", "privatetest": "test"}
SYNONYMS = {"anger": "angry", "happiness": "happy", "sadness": "sad", "surprised": "surprise"}
IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}

Image = npt.NDArray[np.uint8]
Votes = npt.NDArray[np.float32]
Read = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image file, with the split and the label that its folders name."""

    path: str
    split: str
    label: int

    @property
    def name(self) -> str:
        """The file name."""
        return PurePosixPath(self.path).name


def read_dataset(path: Path, votes_csv: Path | None = None, *, all_classes: bool = True) -> Dataset:
    """Read a folder, a zip or a pixel CSV.

    votes_csv: FER+'s fer2013new.csv, for a pixel CSV. Raises DatasetError if the layout is wrong,
    an image is corrupt, or a split lacks an expression where all_classes.
    """
    dataset = _read(path, votes_csv)
    if all_classes:
        require_all_classes(path.name, dataset.splits)
    return dataset


def _read(path: Path, votes_csv: Path | None) -> Dataset:
    if not path.exists():
        raise DatasetError(f"{path} does not exist")
    for given in filter(None, (path, votes_csv)):
        if given.exists() and not (given.is_dir() or given.is_file()):
            raise DatasetError(f"{given} is not a regular file", hint="Give a file or a folder")
    if path.suffix.lower() == ".csv":
        return _read_pixel_csv(path, votes_csv)
    if path.is_dir():
        names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        return _read_tree(path, names, lambda name: (path / name).read_bytes())
    if not zipfile.is_zipfile(path):
        raise DatasetError(
            f"{path.name} is not a data set", hint="Give a folder, a .zip, or a .csv with pixels"
        )
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if not name.endswith("/"))
        return _read_tree(path, names, archive.read)


def _read_tree(source: Path, names: list[str], read: Read) -> Dataset:
    entries = list(_image_entries(names))
    if not entries:
        raise DatasetError(
            f"{source.name} has no train, val or test folder with expressions",
            hint="Expected, for example, train/happy/0001.png",
        )
    tables = [name for name in names if PurePosixPath(name).name == "labels.csv"]
    votes = _votes_by_name(read(tables[0]), tables[0]) if tables else {}
    rows: dict[str, SplitRows] = {}
    for entry in entries:
        image = decode_face(read(entry.path), entry.path)
        row = rows.setdefault(entry.split, SplitRows())
        row.add(entry.name, image, entry.label, votes.get(entry.name))
    return _to_dataset(source, rows)


def _image_entries(names: list[str]) -> Iterator[ImageEntry]:
    for name in names:
        path = PurePosixPath(name)
        if len(path.parts) < 3 or path.suffix.lower() not in IMAGE_ENDINGS:
            continue
        split, emotion = path.parts[-3].lower(), path.parts[-2].lower()
        emotion = SYNONYMS.get(emotion, emotion)
        if split not in SPLIT_NAMES:
            continue
        if emotion not in EXPRESSIONS:
            raise DatasetError(
                f"{path.parent} is not one of the seven expressions",
                hint=f"Use: {', '.join(EXPRESSIONS)}",
            )
        yield ImageEntry(name, SPLIT_NAMES[split], EXPRESSIONS.index(emotion))


def decode_face(data: bytes, name: str) -> Image:
    """Return the grey pixels of an encoded image, uint8 [48, 48]; other sizes are resampled.

    Raises DatasetError if the image is corrupt.
    """
    image = decode_picture(data, cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise DatasetError(f"{name} is not a readable image", hint="Remove or replace it")
    if image.shape != (SIDE, SIDE):
        image = np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    return image


def _votes_by_name(data: bytes, name: str) -> dict[str, Votes]:
    table = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    wanted = ("Image name", *VOTE_COLUMNS)
    missing = [column for column in wanted if column not in (table.fieldnames or ())]
    if missing:
        raise DatasetError(f"{name} has no column {missing[0]!r}")
    return {row["Image name"]: vote_row(row, f"{name}, {row['Image name']}") for row in table}


def vote_row(row: Mapping[str, str], where: str) -> Votes:
    """Return the FER+ votes of one row, float32 [10]: VOTE_COLUMNS, then OTHER_COLUMNS.

    The other columns are NaN if the table does not have them.
    """
    try:
        seven = [float(row[column]) for column in VOTE_COLUMNS]
        others = [float(row.get(column) or "nan") for column in OTHER_COLUMNS]
        return np.array(seven + others, dtype=np.float32)
    except (KeyError, TypeError, ValueError) as exc:
        raise DatasetError(f"{where}: the votes are not numbers") from exc


def _read_pixel_csv(path: Path, votes_csv: Path | None) -> Dataset:
    """Read fer2013.csv or icml_face_data.csv; the rows of FER+ are in the same order."""
    votes = _votes_in_order(votes_csv) if votes_csv is not None else None
    rows: dict[str, SplitRows] = {}
    with path.open(encoding="utf-8-sig", newline="") as lines:
        # icml_face_data.csv has spaces before its column names.
        table = csv.DictReader(lines, skipinitialspace=True)
        missing = {"emotion", "pixels", "Usage"} - set(table.fieldnames or ())
        if missing:
            raise DatasetError(
                f"{path.name} has no column {min(missing)!r}",
                hint="Expected the columns emotion, pixels, Usage",
            )
        for number, row in enumerate(table):
            usage = (row["Usage"] or "").strip().lower()
            if usage not in USAGES:
                raise DatasetError(f"{path.name}, row {number + 1}: unknown Usage {row['Usage']!r}")
            where = f"{path.name}, row {number + 1}"
            label, image = _csv_label(row["emotion"], where), _csv_image(row["pixels"], where)
            if votes is not None and number >= len(votes):
                raise DatasetError(
                    f"the votes end before {where}", hint="Use FER+'s original fer2013new.csv"
                )
            vote = votes[number] if votes is not None else None
            rows.setdefault(USAGES[usage], SplitRows()).add(f"{number:07d}", image, label, vote)
    if votes is not None and sum(len(row.names) for row in rows.values()) != len(votes):
        raise DatasetError(
            f"{path.name} has fewer rows than the votes", hint="Use FER+'s original fer2013new.csv"
        )
    return _to_dataset(path, rows)


def _votes_in_order(path: Path) -> list[Votes]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [
            vote_row(row, f"{path.name}, row {n}") for n, row in enumerate(csv.DictReader(lines), 1)
        ]


def _csv_label(text: str, where: str) -> int:
    # The numbers 0 to 6 of the FER2013 challenge are in EXPRESSIONS order.
    if not (text or "").strip().isdigit() or int(text) >= len(EXPRESSIONS):
        raise DatasetError(f"{where}: emotion {text!r} is not 0 to {len(EXPRESSIONS) - 1}")
    return int(text)


def _csv_image(text: str, where: str) -> Image:
    try:
        values = np.array((text or "").split(), dtype=np.int64)
    except ValueError as exc:
        raise DatasetError(f"{where}: the pixels are not numbers") from exc
    if values.size != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        raise DatasetError(f"{where}: expected {SIDE * SIDE} pixels of 0 to 255")
    return values.reshape(SIDE, SIDE).astype(np.uint8)


def _to_dataset(source: Path, rows: Mapping[str, SplitRows]) -> Dataset:
    if not rows:
        raise DatasetError(f"{source.name} has no faces")
    return Dataset(source, {name: row.split() for name, row in rows.items()})
