"""Haar cascades side by side: recall on faces whose place is known, false faces, time a frame.

Nothing is asserted: these are the numbers that the shipped detector was chosen with.
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
from inference_worker.faces.detect import HaarDetector, HaarSpec, Image
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
class _Known:
    """A picture and the faces in it; None where they are not known."""

    luma: Image
    faces: list[Box] | None


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Search each picture thoroughly with each cascade; `clip` adds a real recording's frames."""
    groups = {
        "demo faces": [known for scene in scenes() for known in _of_scene(scene, brightness=1.0)],
        "demo faces, dark": [k for scene in scenes() for k in _of_scene(scene, brightness=0.25)],
    }
    if clip is not None:
        groups[clip.name] = list(_of_clip(clip))
    rows: list[dict[str, Any]] = []
    for group, pictures in groups.items():
        for spec in _SPECS:
            rows.append({"pictures": group, "cascade": spec.id} | _measure(spec, pictures))
    console.print(_table(rows))
    write_result("detectors" if clip is None else f"detectors-{clip.stem}", {"rows": rows}, [])
    return []


def _measure(spec: HaarSpec, pictures: list[_Known]) -> dict[str, Any]:
    detector = HaarDetector(spec)
    there = hit = false = any_face = 0
    times_ms = []
    for known in pictures:
        begin = time.perf_counter()
        found = detector.search(known.luma, _LEAST_SIDE, thorough=True)
        times_ms.append(1000 * (time.perf_counter() - begin))
        any_face += bool(found)
        if known.faces is not None:
            there += len(known.faces)
            hit += sum(any(box.iou(face) > 0.3 for box in found) for face in known.faces)
            false += sum(all(box.iou(face) <= 0.3 for face in known.faces) for box in found)
    return {
        "frames": len(pictures),
        "frames_with_a_face": any_face,
        "recall": hit / there if there else None,
        "false_faces": false if there else None,
        "ms_a_frame": statistics.median(times_ms),
    }


def _of_scene(scene: Scene, brightness: float) -> Iterator[_Known]:
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
        yield _Known(np.clip(picture, 0, 255).astype(np.uint8), faces)


def _of_clip(clip: Path) -> Iterator[_Known]:
    with FileSource(clip, fps=2.0, max_side=1280) as source:
        for frame in source.frames():
            luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
            yield _Known(luma, None)


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
