"""Time a face of each included model, in turns: faces of a data set, and of a recording.

    python -m benchmarks.face_times fer2013.zip talking_face.mp4

Clear faces are read once, hard ones by up to three networks: so the time depends on the faces.
"""

import argparse
import statistics
import time
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.limit.in_process import frame_batches
from contracts.settings import Device, Settings
from inference_worker.faces.analysis import RunAnalyzer, classify_crops
from inference_worker.faces.classifier_devices import open_classifier
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors.choice import make_detector
from inference_worker.faces.model_choice import shipped_models
from ingest.files.source import FileSource
from moodline.analysis.run_spec import analysis_spec
from training.data.readers import read_dataset

Crops = npt.NDArray[np.uint8]

_FACES, _ROUNDS, _BATCHES = 1000, 3, 150
_CALLS: Final = (1, 8)
"""Faces a call."""


def main() -> None:
    """Print milliseconds a face: medians of the rounds."""
    parser = argparse.ArgumentParser(description="Time a face of each included model.")
    parser.add_argument("data", type=Path, help="data set whose val split is read")
    parser.add_argument("recording", type=Path, help="recording whose faces are read")
    options = parser.parse_args()
    val = read_dataset(options.data).split("val").images
    faces = {"val": _spread(val), "recording": _spread(_crops(options.recording))}
    models = {name: LiteRTClassifier(folder) for name, folder in shipped_models().items()}
    found: dict[tuple[str, str, int], list[float]] = {}
    for _ in range(_ROUNDS):
        for name, model in models.items():
            for source, crops in faces.items():
                for count in _CALLS:
                    found.setdefault((name, source, count), []).append(_ms(model, crops, count))
    table = Table(title=f"Milliseconds a face, medians of {_ROUNDS} rounds")
    table.add_column("model")
    columns = [(source, count) for source in faces for count in _CALLS]
    for source, count in columns:
        table.add_column(f"{source}, {count}", justify="right")
    for name in models:
        medians = (statistics.median(found[name, *column]) for column in columns)
        table.add_row(name, *(f"{median:.2f}" for median in medians))
    Console().print(table)


def _spread(crops: Crops) -> Crops:
    """Return faces at even distances: data sets are sorted by label, recordings by time."""
    chosen = np.linspace(0, len(crops) - 1, min(_FACES, len(crops))).astype(int)
    return np.asarray(crops[chosen])


def _crops(recording: Path) -> Crops:
    """Return the crops that a worker reads of a recording's first frames."""
    settings = Settings.read()
    spec = analysis_spec(settings)
    classifier = open_classifier("", Device.CPU)
    run = RunAnalyzer(make_detector(spec.detector), classifier, spec.options)
    crops = []
    with FileSource(recording, fps=None, max_side=spec.options.max_frame_side) as source:
        for batch in islice(frame_batches(source), _BATCHES):
            detected = run.detect(batch)
            run.smooth(detected, classify_crops(classifier, detected.crops))
            crops += list(detected.crops)
    return np.stack(crops)


def _ms(model: LiteRTClassifier, crops: Crops, count: int) -> float:
    begin = time.perf_counter()
    for start in range(0, len(crops), count):
        model.classify(crops[start : start + count])
    return (time.perf_counter() - begin) * 1000 / len(crops)


if __name__ == "__main__":
    main()
