"""Head pose: how well five points show it, and how well turned faces are read.

python -m benchmarks.head_pose fer2013.zip face_landmark.tflite [--detector ID]

Real faces: those of FER2013's val split, against the pose of a face mesh, which another network
finds (turned_views.py names it). Views: the frontal ones of them, turned by known angles. Tilts:
their crops, turned away from upright.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.head_pose.turned_views import VIEW_PX, FaceMesh, Surface
from benchmarks.results import write_result
from contracts.geometry import Box
from contracts.settings import DetectorName
from inference_worker.faces.classify import Classifier, LiteRTClassifier
from inference_worker.faces.crops import face_crop
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.detectors.detection import Detection, Detector, Image
from inference_worker.faces.model_choice import shipped_model
from inference_worker.faces.quality import LEAST_QUALITY, pose_quality
from runtime.decoding.opencv import cv2
from training.data.readers import read_dataset

_FACE_PX: Final = VIEW_PX // 3
"""Side of a face in all pictures; around it is as much again."""
_FRONTAL: Final = 10.0
"""Yaw and pitch up to which a real face is turned."""
_VIEWS: Final = 150
_YAWS: Final = (0, 15, 30, 40, 45, 50, 55, 60, 70, 80)
_PITCHES: Final = (-50, -40, -30, -20, -10, 0, 10, 20, 30, 40, 50)
_TILTS: Final = (0, 5, 10, 15, 20, 30, 45, 60, 90)
_BANDS: Final = (0, 10, 20, 30, 40, 50, 90)


@dataclass(frozen=True, slots=True)
class _Face:
    """A labelled face. luma: its picture with the edge repeated around it."""

    luma: Image
    label: int
    found: Detection
    surface: Surface


@dataclass(frozen=True, slots=True)
class _Seen:
    """A face as the detector found it in a picture. angle: an estimated one, in degrees."""

    luma: Image
    label: int
    found: Detection
    angle: float


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.head_pose")
    parser.add_argument("data", type=Path, help="FER2013 with FER+ votes, as training reads it")
    parser.add_argument("mesh", type=Path, help="the face mesh network, face_landmark.tflite")
    parser.add_argument("--detector", default=detector_id(DetectorName.CENTERFACE), metavar="ID")
    options = parser.parse_args()
    run(Console(), options.data, options.mesh, options.detector)


def run(console: Console, data: Path, mesh: Path, pinned_id: str) -> None:
    """Measure one detector's poses and the shipped model. data: FER2013 with FER+ votes."""
    detector, classifier = make_detector(pinned_id), LiteRTClassifier(shipped_model())
    faces = list(_faces(data, FaceMesh(mesh), detector))
    centre = float(np.median([face.surface.pitch for face in faces]))
    frontal = [
        face
        for face in faces
        if abs(face.surface.yaw) < _FRONTAL and abs(face.surface.pitch - centre) < _FRONTAL
    ]
    chosen = frontal[:: max(len(frontal) // _VIEWS, 1)][:_VIEWS]
    measured: dict[str, Any] = {
        "detector": detector.id,
        "model": classifier.card.version,
        "mean_face": np.mean([face.surface.five_points for face in faces], axis=0).tolist(),
        "yaw": _agreement(faces, lambda one: one.surface.yaw, lambda one: one.found.yaw),
        "pitch": _agreement(
            faces, lambda one: one.surface.pitch - centre, lambda one: one.found.pitch
        ),
        "faces_by_yaw": _real_rows(faces, classifier),
        "views_by_yaw": [_yaw_row(chosen, yaw, detector, classifier) for yaw in _YAWS],
        "views_by_pitch": [_pitch_row(chosen, up, detector, classifier) for up in _PITCHES],
        "crops_by_tilt": [_tilt_row(chosen, tilt, classifier) for tilt in _TILTS],
    }
    for name in ("yaw", "pitch"):
        console.print(f"{name}: {measured[name]}", highlight=False)
    for name in ("faces_by_yaw", "views_by_yaw", "views_by_pitch", "crops_by_tilt"):
        console.print(_table(name, measured[name]))
    write_result(f"head-pose-{detector.id.replace('/', '-')}", measured, [])


def _faces(data: Path, mesh: FaceMesh, detector: Detector) -> Iterable[_Face]:
    """Yield the faces of val that have votes, and that detector and mesh find."""
    split = read_dataset(data).split("val")
    for index in np.flatnonzero(split.voted).tolist():
        size = (_FACE_PX, _FACE_PX)
        large = cv2.resize(split.images[index], size, interpolation=cv2.INTER_CUBIC)
        luma = np.pad(np.asarray(large, np.uint8), _FACE_PX, mode="edge")
        found = _found(detector, luma)
        surface = mesh.surface(luma, found) if found is not None else None
        if found is not None and surface is not None:
            yield _Face(luma, int(split.votes[index].argmax()), found, surface)


def _found(detector: Detector, luma: Image) -> Detection | None:
    """Return the face in the middle, after a second look as a track gives it."""
    first = detector.follow(luma, Detection(Box(*[_FACE_PX] * 4)))
    return None if first is None else detector.follow(luma, first)


def _agreement(
    faces: Sequence[_Face],
    known: Callable[[_Face], float],
    estimated: Callable[[_Face], float | None],
) -> dict[str, float]:
    """Return how estimated angles agree with known ones: correlation, slope, mean error."""
    x = np.array([known(one) for one in faces])
    y = np.array([estimated(one) for one in faces], np.float64)
    return {
        "faces": len(faces),
        "correlation": float(np.corrcoef(x, y)[0, 1]),
        "known_per_estimated": float(np.polyfit(y, x, 1)[0]),
        "mean_error": float(np.abs(x - y + np.median(y - x)).mean()),
    }


def _real_rows(faces: Sequence[_Face], classifier: Classifier) -> list[dict[str, Any]]:
    rows = []
    for low, high in pairwise(_BANDS):
        band = [
            _Seen(one.luma, one.label, one.found, _towards(one.found.yaw, one.surface.yaw))
            for one in faces
            if low <= abs(one.surface.yaw) < high
        ]
        rows.append({"degrees": f"{low}-{high}"} | _read(band, len(band), classifier))
    return rows


def _yaw_row(
    faces: Sequence[_Face], yaw: float, detector: Detector, classifier: Classifier
) -> dict[str, Any]:
    """Return the row of views of this yaw; every second face is turned to the left."""
    seen = []
    for index, face in enumerate(faces):
        turn = -yaw if index % 2 else yaw
        view = face.surface.turned(turn - face.surface.yaw, 0)
        if found := _found(detector, view):
            seen.append(_Seen(view, face.label, found, _towards(found.yaw, turn or 1.0)))
    return {"degrees": yaw} | _read(seen, len(faces), classifier)


def _pitch_row(
    faces: Sequence[_Face], pitch: float, detector: Detector, classifier: Classifier
) -> dict[str, Any]:
    seen = []
    for face in faces:
        view = face.surface.turned(-face.surface.yaw, pitch)
        if found := _found(detector, view):
            seen.append(_Seen(view, face.label, found, found.pitch or 0.0))
    return {"degrees": pitch} | _read(seen, len(faces), classifier)


def _tilt_row(faces: Sequence[_Face], tilt: float, classifier: Classifier) -> dict[str, Any]:
    """Return the row of crops that are turned from upright, to both sides."""
    seen = [
        _Seen(one.luma, one.label, replace(one.found, roll=one.found.roll + off), off)
        for one in faces
        for off in (-tilt, tilt)
    ]
    return {"degrees": tilt} | _read(seen, len(seen), classifier)


def _towards(angle: float | None, side: float) -> float:
    """Return the angle, positive if it is to the same side."""
    return math.copysign(1.0, side) * (angle or 0.0)


def _read(seen: Sequence[_Seen], faces: int, classifier: Classifier) -> dict[str, Any]:
    """Return of so many faces: those found, their estimated angles, how well they are read."""
    if not seen:
        return dict.fromkeys(("estimated", "sd", "accuracy", "confidence"), None) | {"found": 0.0}
    framing = classifier.card.framing
    crops = [face_crop(one.luma, one.found.box, framing, one.found.roll) for one in seen]
    shares = classifier.classify(np.stack(crops))
    right = shares.argmax(axis=1) == [one.label for one in seen]
    angles = np.array([one.angle for one in seen])
    readable = np.array([pose_quality(one.found.pose) >= LEAST_QUALITY for one in seen])
    return {
        "faces": faces,
        "found": len(seen) / faces,
        "estimated": float(angles.mean()),
        "sd": float(angles.std()),
        "accuracy": float(right.mean()),
        "confidence": float(shares.max(axis=1).mean()),
        "readable": float(readable.mean()),
    }


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, box=None, pad_edge=False, header_style="bold", title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    return table


if __name__ == "__main__":
    main()
