"""Haar cascades compared: recall on faces with known positions, false faces, time per frame.

It has no target: the default detector was chosen with these numbers.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.results import Verdict, write_result
from contracts.geometry import Box
from inference_worker.faces.detectors.detection import Image
from inference_worker.faces.detectors.haar import HaarDetector, HaarSpec
from ingest.files.source import FileSource
from moodline.demo.scenes import FPS, Scene, picture_at, scenes

_EVERY = 5
_LEAST_SIDE = 30.0
_SPECS = (
    HaarSpec("alt2"),
    HaarSpec("alt2, equalised", equalize=True),
    HaarSpec("default", cascade="haarcascade_frontalface_default.xml"),
    HaarSpec("alt", cascade="haarcascade_frontalface_alt.xml"),
    HaarSpec("profile", cascade="haarcascade_profileface.xml"),
)


@dataclass(frozen=True, slots=True)
class _LabelledFrame:
    """A frame and the boxes of its faces; None if they are not known."""

    luma: Image
    faces: list[Box] | None


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Search each frame with each cascade. clip: adds the frames of a recording."""
    groups = {
        "demo faces": [
            frame for scene in scenes() for frame in _scene_frames(scene, brightness=1.0)
        ],
        "demo faces, dark": [
            f for scene in scenes() for f in _scene_frames(scene, brightness=0.25)
        ],
    }
    if clip is not None:
        groups[clip.name] = list(_clip_frames(clip))
    rows: list[dict[str, Any]] = []
    for group, frames in groups.items():
        for spec in _SPECS:
            rows.append({"pictures": group, "cascade": spec.id} | _measure(spec, frames))
    console.print(_table(rows))
    write_result("detectors" if clip is None else f"detectors-{clip.stem}", {"rows": rows}, [])
    return []


def _measure(spec: HaarSpec, frames: list[_LabelledFrame]) -> dict[str, Any]:
    detector = HaarDetector(spec)
    true_faces = hits = false_faces = frames_with_face = 0
    times_ms = []
    for frame in frames:
        begin = time.perf_counter()
        found = [one.box for one in detector.search(frame.luma, _LEAST_SIDE, thorough=True)]
        times_ms.append(1000 * (time.perf_counter() - begin))
        frames_with_face += bool(found)
        if frame.faces is not None:
            true_faces += len(frame.faces)
            hits += sum(any(box.iou(face) > 0.3 for box in found) for face in frame.faces)
            false_faces += sum(all(box.iou(face) <= 0.3 for face in frame.faces) for box in found)
    return {
        "frames": len(frames),
        "frames_with_a_face": frames_with_face,
        "recall": hits / true_faces if true_faces else None,
        "false_faces": false_faces if true_faces else None,
        "ms_a_frame": statistics.median(times_ms),
    }


def _scene_frames(scene: Scene, brightness: float) -> Iterator[_LabelledFrame]:
    for number in range(0, scene.frames, _EVERY):
        time_s = number / FPS
        faces = []
        for actor in scene.actors:
            pose = actor.pose(time_s)
            inside = pose.side / 2 < pose.x < 640 - pose.side / 2
            if actor.in_view(time_s) and inside:
                side = pose.side * 0.85
                faces.append(Box(pose.x - side / 2, pose.y - side / 2, side, side))
        picture = picture_at(scene, time_s) * np.float32(brightness)
        yield _LabelledFrame(np.clip(picture, 0, 255).astype(np.uint8), faces)


def _clip_frames(clip: Path) -> Iterator[_LabelledFrame]:
    with FileSource(clip, fps=2.0, max_side=1280) as source:
        for frame in source.frames():
            luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
            yield _LabelledFrame(luma, None)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("pictures", "cascade"):
        table.add_column(name)
    for name in ("frames", "with a face", "recall", "false faces", "ms a frame"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row["pictures"],
            row["cascade"],
            str(row["frames"]),
            str(row["frames_with_a_face"]),
            "" if row["recall"] is None else f"{row['recall']:.1%}",
            "" if row["false_faces"] is None else str(row["false_faces"]),
            f"{row['ms_a_frame']:.1f}",
        )
    return table
