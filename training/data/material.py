"""Material: all that a training takes, as arrays: no files, teachers or decoders are needed later.

It can be written to one file, for a machine that has only NumPy, Keras and a GPU.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from contracts.errors import DatasetError

Floats = npt.NDArray[np.float32]
Images = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Targets:
    """Training targets of n faces. hard, soft: of the heads fer2013 and ferplus, [n, 7].

    soft_weight: weight of the soft target, [n]; 0 for a face without votes. features: a teacher's
    for v views of each face (training.data.views), [v, n, d]; d is 0 if none are learned.
    """

    hard: Floats
    soft: Floats
    soft_weight: Floats
    features: npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Material:
    """The faces of a training, and what is known of them.

    images, val_images: grey uint8 [n, 48, 48]. val_labels: [n]. val_majority: FER+'s, [n]; -1 for a
    face without votes. start: the network's weights at the start, in Keras' order; empty: as a new
    network has them. description: of the data and the teachers, for run.json.
    """

    images: Images
    targets: Targets
    val_images: Images
    val_labels: npt.NDArray[np.int64]
    val_majority: npt.NDArray[np.int64]
    start: tuple[Floats, ...]
    description: dict[str, Any]


def write_material(path: Path, material: Material) -> None:
    """Write the material to one .npz file."""
    arrays: dict[str, Any] = {f"start{i:04}": values for i, values in enumerate(material.start)}
    arrays |= {one.name: getattr(material.targets, one.name) for one in fields(Targets)}
    arrays |= {name: getattr(material, name) for name in _ARRAYS}
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, description=json.dumps(material.description), **arrays)
    part.replace(path)


def read_material(path: Path) -> Material:
    """Read a file of `write_material`. Raises DatasetError if it is not one."""
    try:
        with np.load(path) as stored:
            start = sorted(name for name in stored.files if name.startswith("start"))
            return Material(
                targets=Targets(*(stored[one.name] for one in fields(Targets))),
                start=tuple(stored[name] for name in start),
                description=json.loads(str(stored["description"])),
                **{name: stored[name] for name in _ARRAYS},
            )
    except (OSError, EOFError, TypeError, ValueError, KeyError, BadZipFile) as exc:
        raise DatasetError(f"{path} is not a packed training: {exc}") from exc


def repeated(images: Images) -> Images:
    """Return grey faces [n, 48, 48] as a network takes them, [n, 48, 48, 3]."""
    return np.repeat(images[..., None], 3, axis=-1)


_ARRAYS = ("images", "val_images", "val_labels", "val_majority")
