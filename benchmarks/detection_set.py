"""Every detector on photographs with labelled faces: recall, false faces and cost.

The photographs are a zip with `labels.json`: images with `faces`, each with a box [x, y, w, h],
`ignore`, `occlusion` and `blur` (0 to 2), as WIDER FACE labels them. Readable faces count: not
ignored, occlusion and blur below 2. An ignored face is neither a hit nor false. A hit: the centres
are within half a face and the sizes within a factor of two, once the detector's median ratio of
sizes is taken out. MOODLINE_YUNET_FILE adds the detector yunet, MOODLINE_BENCHMARK_EVERY=N measures
every Nth photograph, MOODLINE_BENCHMARK_DETECTORS=haar,yunet these detectors only.
"""

import json
import math
import os
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
from contracts.settings import DetectorName, Settings
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.detectors.detection import Detector, Image
from runtime.decoding.opencv import cv2, decode_picture

_SMALLEST: Final = 24.0
_BANDS: Final = ((24.0, 48.0), (48.0, 96.0), (96.0, math.inf))
_FARTHEST: Final = 0.5
_MOST_RATIO: Final = 2.0
_DETECTORS: Final = (DetectorName.HAAR, DetectorName.HAAR_EQUALIZED, DetectorName.CENTERFACE)
_ROLLS: Final = (15.0, 30.0, 45.0)
_MOVED: Final = (3, 2)
"""Pixels by which a copy is moved. Jitter: how far a face is found from where it then is."""


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
    asked = os.environ.get("MOODLINE_BENCHMARK_DETECTORS", "")
    names = [DetectorName(one) for one in asked.split(",") if one]
    methods = [
        _Method(f"{one.id}, {effort}", one, effort == "thorough")
        for one in _detectors(names)
        for effort in ("thorough", "quick")
    ]
    every = int(os.environ.get("MOODLINE_BENCHMARK_EVERY", "1"))
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
                changed = map(change, _photographs(data, every))
                row = _measure(method, changed, moved=condition == "as it is")
                rows.append({"detector": method.name, "condition": condition} | row)
                console.print(f"[dim]{method.name}, {condition}[/]", highlight=False)
    console.print(_table(rows))
    measured = {"data": data.name, "every": every, "rows": rows}
    write_result("-".join(["detection-set", *names]), measured, [])
    return []


def _detectors(names: list[DetectorName]) -> list[Detector]:
    """Return the named detectors; without names, all that there are."""
    path = Settings.read().yunet_path
    there = [*_DETECTORS, *([DetectorName.YUNET] if path.exists() else [])]
    return [make_detector(detector_id(name, path), path) for name in names or there]


def _photographs(data: Path, every: int) -> Iterator[_Photograph]:
    with zipfile.ZipFile(data) as archive:
        for image in json.loads(archive.read("labels.json"))["images"][::every]:
            luma = decode_picture(archive.read(image["image"]), cv2.IMREAD_GRAYSCALE)
            assert luma is not None, image["image"]
            faces: list[Box] = []
            ignored: list[Box] = []
            for face in image["faces"]:
                readable = not face["ignore"] and face["occlusion"] < 2 and face["blur"] < 2
                (faces if readable else ignored).append(Box(*face["box"]))
            yield _Photograph(luma, tuple(faces), tuple(ignored))


@dataclass(frozen=True, slots=True)
class _Searched:
    """A photograph, what was found in it, and in a copy that is moved by a few pixels."""

    photograph: _Photograph
    boxes: list[Box]
    moved: list[Box]


def _measure(method: _Method, photographs: Iterator[_Photograph], *, moved: bool) -> dict[str, Any]:
    """Search the photographs. moved: also a copy of each, for the jitter."""
    cpu_s, searched = 0.0, []
    for one in photographs:
        begin_s = time.process_time()
        found = method.detector.search(one.luma, _SMALLEST, thorough=method.thorough)
        cpu_s += time.process_time() - begin_s
        again = _found_moved(method, one.luma) if moved else []
        searched.append(_Searched(one, [face.box for face in found], again))
    return _scores(searched) | {"cpu_ms": 1000 * cpu_s / len(searched)}


def _found_moved(method: _Method, luma: Image) -> list[Box]:
    x, y = _MOVED
    part = np.ascontiguousarray(luma[y:, x:])
    found = method.detector.search(part, _SMALLEST, thorough=method.thorough)
    return [Box(one.box.x + x, one.box.y + y, one.box.w, one.box.h) for one in found]


def _scores(searched: list[_Searched]) -> dict[str, Any]:
    ratio = _median_ratio(searched)
    found, labelled = [0] * len(_BANDS), [0] * len(_BANDS)
    false_faces = 0
    jitter: list[float] = []
    for one in searched:
        for face in one.photograph.faces:
            band = _band(face)
            if band is not None:
                labelled[band] += 1
                found[band] += any(_is_hit(box, face, ratio) for box in one.boxes)
        known = one.photograph.faces + one.photograph.ignored
        false_faces += sum(not any(_is_near(box, face) for face in known) for box in one.boxes)
        for box in one.boxes:
            jitter += [_off(box, other) for other in one.moved if box.iou(other) > _FARTHEST][:1]
    return {
        "recall": [f / n if n else None for f, n in zip(found, labelled, strict=True)],
        "faces": labelled,
        "recall_of_all": sum(found) / sum(labelled),
        "false_in_100": 100 * false_faces / len(searched),
        "jitter": float(np.median(jitter)) if jitter else None,
        "size_ratio": ratio,
    }


def _median_ratio(searched: list[_Searched]) -> float:
    """Return the median of the sides of found faces, in sides of the labelled ones."""
    ratios = [
        _side(box) / _side(face)
        for one in searched
        for face in one.photograph.faces
        for box in one.boxes
        if _is_near(box, face)
    ]
    return float(np.median(ratios)) if ratios else 1.0


def _is_hit(box: Box, face: Box, ratio: float) -> bool:
    sizes = _side(box) / ratio / _side(face)
    return _is_near(box, face) and 1 / _MOST_RATIO <= sizes <= _MOST_RATIO


def _is_near(box: Box, face: Box) -> bool:
    return _off(face, box) <= _FARTHEST


def _off(one: Box, other: Box) -> float:
    """Return the distance of the centres, in sides of `one`."""
    x = one.x + one.w / 2 - other.x - other.w / 2
    y = one.y + one.h / 2 - other.y - other.h / 2
    return math.hypot(x, y) / _side(one)


def _side(box: Box) -> float:
    return math.sqrt(box.w * box.h)


def _band(face: Box) -> int | None:
    return next((n for n, (low, high) in enumerate(_BANDS) if low <= _side(face) < high), None)


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
    for name in ("24-48", "48-96", "over 96 px", "all", "false in 100", "jitter", "CPU ms"):
        table.add_column(name, justify="right")
    for row in rows:
        recall = ["" if one is None else f"{one:.2f}" for one in row["recall"]]
        table.add_row(
            row["detector"],
            row["condition"],
            *recall,
            f"{row['recall_of_all']:.2f}",
            f"{row['false_in_100']:.1f}",
            "" if row["jitter"] is None else f"{row['jitter']:.3f}",
            f"{row['cpu_ms']:.1f}",
        )
    return table
