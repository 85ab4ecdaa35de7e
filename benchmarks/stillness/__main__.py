"""Still pictures and living faces compared: how much each changes, and what is called static.

python -m benchmarks.stillness CLIP PHOTOGRAPHS.zip

CLIP: a recording of one living face. PHOTOGRAPHS: labelled, as benchmarks/detection_set.py says.
Photographs are shown for 80 s each, with a sensor's noise, changing light or a moving camera, as
H.264. The clip is shown as it is, smaller, noisier, darker, at lower rates, and four times slower.
"""

import argparse
import json
import math
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.results import Verdict, write_result
from benchmarks.stillness.filming import (
    FPS,
    Condition,
    Picture,
    Shown,
    dark,
    daylight,
    drifting,
    filmed,
    flicker,
    lamp,
    shaken,
)
from contracts.geometry import Box
from inference_worker.faces.detectors.choice import make_detector
from inference_worker.faces.detectors.detection import Image
from inference_worker.faces.still_places import ALIVE, VERY_STILL, StillPlaces
from inference_worker.faces.tracking_detector import TrackingDetector
from ingest.files.source import FileSource
from runtime.decoding.opencv import cv2, decode_picture

_PHOTOGRAPHS: Final = 2
_SIDES: Final = (100, 48, 28)
_STILL_S: Final = 80
_LIVING_FRAMES: Final = 1000

_STILL: Final = (
    Condition("as it is"),
    Condition("noise 8, crf 36", 8.0, 36),
    Condition("a quarter of the light", change=dark),
    Condition("light rises and falls", change=daylight),
    Condition("lamp at the side", change=lamp),
    Condition("flicker", change=flicker),
    Condition("camera shakes by 0.8 px", change=shaken),
    Condition("camera drifts by 0.25 px/s", change=drifting),
)
_LIVING: Final = (
    Condition("as it is", 3.0),
    Condition("noise 6, crf 36", 6.0, 36),
    Condition("a quarter of the light", 3.0, 28, dark),
)


def measure(frames: Iterable[tuple[Image, Box, float]]) -> dict[str, Any]:
    """Return how much the face changes, and when it becomes static.

    longest_*_s: the longest time in which no look shows a larger change.
    """
    places, before_us = StillPlaces(), 0
    amounts: list[tuple[float, float]] = []
    static_s: float | None = None
    cpu_s = 0.0
    for luma, box, time_s in frames:
        time_us = round(time_s * 1e6)
        places.begin_frame(time_us, time_us - before_us)
        began_s = time.process_time()
        seen = places.look(luma, 1, box)
        cpu_s += time.process_time() - began_s
        before_us = time_us
        amounts.append((time_s, math.inf if seen.changed_us else seen.place.change))
        if seen.place.static and static_s is None:
            static_s = time_s
    known = np.array([amount for _, amount in amounts if math.isfinite(amount)] or [math.nan])
    return {
        "median": round(float(np.quantile(known, 0.5)), 3),
        "p99": round(float(np.quantile(known, 0.99)), 3),
        "longest_very_still_s": _longest_s(amounts, VERY_STILL),
        "longest_still_s": _longest_s(amounts, ALIVE),
        "seconds": round(amounts[-1][0] - amounts[0][0], 1),
        "static_after_s": static_s,
        "cpu_us_a_frame": round(1e6 * cpu_s / len(amounts)),
    }


def _longest_s(amounts: Sequence[tuple[float, float]], least: float) -> float:
    ends = [time_s for time_s, amount in amounts if amount > least]
    times = [amounts[0][0], *ends, amounts[-1][0]]
    return round(float(max(np.diff(times))), 1)


def _photographs(data: Path) -> Iterator[tuple[Picture, Box]]:
    """Yield pictures with one large, sharp, labelled face."""
    count = 0
    with zipfile.ZipFile(data) as archive:
        for image in json.loads(archive.read("labels.json"))["images"]:
            clear = [
                Box(*face["box"])
                for face in image["faces"]
                if not face["ignore"] and not face["blur"] and min(face["box"][2:]) >= 80
            ]
            if clear and count < _PHOTOGRAPHS:
                grey = decode_picture(archive.read(image["image"]), cv2.IMREAD_GRAYSCALE)
                assert grey is not None
                yield np.asarray(grey, np.float32), clear[0]
                count += 1


def _still(picture: Picture, face: Box, side: int) -> Iterator[Shown]:
    """Show the part of a photograph around its face, so large that the face has `side` pixels."""
    scale = side / max(face.w, face.h)
    x, y = (face.x + face.w / 2) * scale, (face.y + face.h / 2) * scale
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left, top = max(round(x - 1.5 * side), 0), max(round(y - 1.5 * side), 0)
    part = np.asarray(small[top : round(y + 1.5 * side), left : round(x + 1.5 * side)], np.float32)
    box = Box(x - left - side / 2, y - top - side / 2, side, side)
    return (Shown(part, box, number / FPS) for number in range(_STILL_S * FPS))


def _living(clip: Path, fps: float | None) -> list[Shown]:
    """Return the first frames of the clip that have a face."""
    finder = TrackingDetector(make_detector("haar-alt2/1"))
    found = []
    with FileSource(clip, fps=fps, max_side=1280) as source:
        for frame in source.frames():
            luma = np.frombuffer(frame.luma, np.uint8).reshape(frame.height, frame.width)
            faces = finder.detect(luma, frame.media_time_us, 40)
            if faces:
                time_s = frame.media_time_us / 1e6
                found.append(Shown(luma.astype(np.float32), faces[0].box, time_s))
            if len(found) == _LIVING_FRAMES:
                break
    return found


def _resized(frames: Sequence[Shown], side: int, pace: float, every: int) -> Iterator[Shown]:
    """Show every n-th frame, smaller and at another pace."""
    scale = side / float(np.median([shown.box.h for shown in frames]))
    for shown in frames[::every]:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        picture = cv2.resize(shown.picture, None, fx=scale, fy=scale, interpolation=method)
        yield Shown(
            np.asarray(picture, np.float32), shown.box.scaled(scale, scale), shown.time_s * pace
        )


def run(console: Console, clip: Path, data: Path) -> list[Verdict]:
    """Measure all, and write the result."""
    rows = []
    for row in chain(_living_rows(clip), _still_rows(data)):
        console.print(f"[dim]{row}[/]", highlight=False)
        rows.append(row)
    console.print(_table(rows))
    verdicts = _verdicts(rows)
    write_result("stillness", {"clip": clip.name, "data": data.name, "rows": rows}, verdicts)
    return verdicts


def _living_rows(clip: Path) -> Iterator[dict[str, Any]]:
    usual, slow = _living(clip, FPS), _living(clip, None)
    speeds = {
        "5 frames/s": (usual, 1.0, 1),
        "1 frame/s": (usual, 1.0, 5),
        "four times slower": (slow, 4.0, 1),
    }
    for side in _SIDES:
        for condition in _LIVING:
            for speed, (frames, pace, every) in speeds.items():
                row = measure(filmed(_resized(frames, side, pace, every), condition))
                name = f"{condition.name}, {speed}"
                yield {"face": "living", "side": side, "filmed": name} | row


def _still_rows(data: Path) -> Iterator[dict[str, Any]]:
    for side in _SIDES:
        for condition in _STILL:
            for number, (picture, face) in enumerate(_photographs(data)):
                row = measure(filmed(_still(picture, face, side), condition))
                name = f"photograph {number + 1}"
                yield {"face": name, "side": side, "filmed": condition.name} | row


def _verdicts(rows: Sequence[dict[str, Any]]) -> list[Verdict]:
    living = [row for row in rows if row["face"] == "living"]
    called = sum(row["static_after_s"] is not None for row in living)
    large = [row for row in rows if row["face"] != "living" and row["side"] >= 48]
    found = sum(row["static_after_s"] is not None for row in large)
    return [
        Verdict(f"{called} of {len(living)} living faces are called static (0)", called == 0),
        Verdict(
            f"{found} of {len(large)} pictures of 48 pixels and more are called static (90 %)",
            found >= 0.9 * len(large),
        ),
    ]


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="left" if name == "filmed" else "right")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    return table


def main() -> None:
    """Measure the files that are given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stillness", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("photographs", type=Path)
    options = parser.parse_args()
    console = Console(width=170)
    for verdict in run(console, options.clip, options.photographs):
        console.print(f"{'yes' if verdict.met else ' no'}  {verdict.text}", highlight=False)


if __name__ == "__main__":
    main()
