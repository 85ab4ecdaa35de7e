"""Every detector on photographs with labelled faces: recall, false faces and cost.

The photographs are a zip with `labels.json`: images with `faces`, each with a box [x, y, w, h],
`ignore`, `occlusion` and `blur` (0 to 2), as WIDER FACE labels them. Readable faces count: not
ignored, occlusion and blur below 2. An ignored face is neither a hit nor false.
"""

import json
import math
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.results import Verdict, write_result
from contracts.geometry import Box
from inference_worker.faces.detectors.choice import make_detector
from inference_worker.faces.detectors.detection import Detector, Image
from runtime.decoding.opencv import cv2, decode_picture

_SMALLEST: Final = 24.0
_BANDS: Final = ((24.0, 48.0), (48.0, 96.0), (96.0, math.inf))
_SAME: Final = 0.35
"""Intersection over union: a detector's square and a labelled, taller box differ by this much."""
_ROLLS: Final = (15.0, 30.0, 45.0)


@dataclass(frozen=True, slots=True)
class _Photograph:
    """A grey picture, its readable faces, and those that do not count."""

    luma: Image
    faces: tuple[Box, ...]
    ignored: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class _Method:
    """A detector and how it searches."""

    name: str
    detector: Detector
    thorough: bool


_Change = Callable[[_Photograph], _Photograph]


def run(console: Console, data: Path) -> list[Verdict]:
    """Search all photographs with each detector, as they are and changed."""
    methods = [
        _Method(f"{one}, {effort}", make_detector(one), effort == "thorough")
        for one in ("haar-alt2/1", "haar-alt2-equalized/1", "centerface/1")
        for effort in ("thorough", "quick")
    ]
    changes: dict[str, _Change] = {
        "as it is": lambda one: one,
        "1/4 of the light": _dim,
        "blurred": _blurred,
        "lower half covered": _covered,
    }
    changes |= {f"rolled {roll:.0f}": partial(_rolled, roll=roll) for roll in _ROLLS}
    rows = []
    for method in methods:
        for condition, change in changes.items():
            if condition == "as it is" or method.thorough:
                row = _measure(method, map(change, _photographs(data)))
                rows.append({"detector": method.name, "condition": condition} | row)
                console.print(f"[dim]{method.name}, {condition}[/]", highlight=False)
    console.print(_table(rows))
    write_result("detection-set", {"data": data.name, "rows": rows}, [])
    return []


def _photographs(data: Path) -> Iterator[_Photograph]:
    with zipfile.ZipFile(data) as archive:
        for image in json.loads(archive.read("labels.json"))["images"]:
            luma = decode_picture(archive.read(image["image"]), cv2.IMREAD_GRAYSCALE)
            assert luma is not None, image["image"]
            faces: list[Box] = []
            ignored: list[Box] = []
            for face in image["faces"]:
                readable = not face["ignore"] and face["occlusion"] < 2 and face["blur"] < 2
                (faces if readable else ignored).append(Box(*face["box"]))
            yield _Photograph(luma, tuple(faces), tuple(ignored))


def _measure(method: _Method, photographs: Iterator[_Photograph]) -> dict[str, Any]:
    found, labelled = [0] * len(_BANDS), [0] * len(_BANDS)
    count = false_faces = 0
    cpu_s = 0.0
    for one in photographs:
        begin_s = time.process_time()
        detections = method.detector.search(one.luma, _SMALLEST, thorough=method.thorough)
        cpu_s += time.process_time() - begin_s
        boxes = [face.box for face in detections]
        count += 1
        for face in one.faces:
            band = _band(face)
            if band is not None:
                labelled[band] += 1
                found[band] += any(box.iou(face) >= _SAME for box in boxes)
        known = one.faces + one.ignored
        false_faces += sum(all(box.iou(face) < _SAME / 2 for face in known) for box in boxes)
    return {
        "recall": [f / n if n else None for f, n in zip(found, labelled, strict=True)],
        "recall_of_all": sum(found) / sum(labelled),
        "false_in_100": 100 * false_faces / count,
        "cpu_ms": 1000 * cpu_s / count,
    }


def _band(face: Box) -> int | None:
    side = math.sqrt(face.w * face.h)
    return next((n for n, (low, high) in enumerate(_BANDS) if low <= side < high), None)


def _dim(one: _Photograph) -> _Photograph:
    return _Photograph(np.asarray(one.luma // 4, np.uint8), one.faces, one.ignored)


def _blurred(one: _Photograph) -> _Photograph:
    """Blur each photograph by a fortieth of its median face."""
    sides = [math.sqrt(face.w * face.h) for face in one.faces] or [_SMALLEST]
    deviation = float(np.median(sides)) / 40 + 0.1
    luma = np.asarray(cv2.GaussianBlur(one.luma, (0, 0), deviation), np.uint8)
    return _Photograph(luma, one.faces, one.ignored)


def _covered(one: _Photograph) -> _Photograph:
    luma = one.luma.copy()
    for face in one.faces:
        left, right = max(round(face.x), 0), round(face.x + face.w)
        luma[max(round(face.y + face.h * 0.55), 0) : round(face.y + face.h), left:right] = 128
    return _Photograph(luma, one.faces, one.ignored)


def _rolled(one: _Photograph, roll: float) -> _Photograph:
    """Turn the photograph clockwise in a frame that holds it; boxes keep their size."""
    height, width = one.luma.shape
    side = math.ceil(math.hypot(height, width))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -roll, 1.0)
    matrix[:, 2] += [(side - width) / 2, (side - height) / 2]
    border = cv2.BORDER_REPLICATE
    luma = np.asarray(cv2.warpAffine(one.luma, matrix, (side, side), borderMode=border), np.uint8)

    def turned(box: Box) -> Box:
        x, y = matrix @ [box.x + box.w / 2, box.y + box.h / 2, 1]
        return Box(float(x) - box.w / 2, float(y) - box.h / 2, box.w, box.h)

    return _Photograph(luma, tuple(map(turned, one.faces)), tuple(map(turned, one.ignored)))


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("detector", "condition"):
        table.add_column(name)
    for name in ("24-48", "48-96", "over 96 px", "all", "false in 100", "CPU ms"):
        table.add_column(name, justify="right")
    for row in rows:
        recall = ["" if one is None else f"{one:.2f}" for one in row["recall"]]
        table.add_row(
            row["detector"],
            row["condition"],
            *recall,
            f"{row['recall_of_all']:.2f}",
            f"{row['false_in_100']:.1f}",
            f"{row['cpu_ms']:.1f}",
        )
    return table
