"""Time per face of the model in use and of fer's model, on one thread each."""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks.fer.library import fer_python
from benchmarks.results import Verdict, write_result
from contracts.model_card import ModelCard
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.model_choice import chosen_model
from runtime.decoding.opencv import cv2

ROUNDS, CALLS = 5, 300
_MODEL_SETTING = os.environ.get("MOODLINE_MODEL", "")
_FACES: Final = Path(__file__).parents[2] / "moodline" / "assets" / "faces"
MAX_RATIO_ALONE, MAX_RATIO_OF_EIGHT = 1.5, 1.0


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Run the two in turns; compare the medians. No clip is used, but the average faces."""
    del clip
    python = fer_python(console)
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        theirs.append(_fer(python))
        ours.append(_moodline())
    verdicts = []
    model = ModelCard.read(chosen_model(_MODEL_SETTING)).version
    measured: dict[str, object] = {"model": model, "moodline": ours, "fer": theirs}
    for name, most in (("batch_1", MAX_RATIO_ALONE), ("batch_8", MAX_RATIO_OF_EIGHT)):
        our_ms = statistics.median(one[name] for one in ours)
        their_ms = statistics.median(one[name] for one in theirs)
        measured[name] = {"moodline_ms": our_ms, "fer_ms": their_ms, "ratio": our_ms / their_ms}
        ratio = our_ms / their_ms
        text = f"{name}: {our_ms:.2f} ms per face, fer {their_ms:.2f} ms, ratio {ratio:.2f}"
        verdicts.append(Verdict(f"{text} (target: at most {most})", ratio <= most))
    name = f"fer-model-{Path(_MODEL_SETTING).name}" if _MODEL_SETTING else "fer-model"
    write_result(name, measured, verdicts)
    return verdicts


def _fer(python: Path) -> dict[str, float]:
    script = Path(__file__).with_name("model_loop.py")
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([python, script], capture_output=True, text=True, check=True, env=env)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _moodline() -> dict[str, float]:
    classifier = LiteRTClassifier(chosen_model(_MODEL_SETTING))
    faces = _average_faces(classifier.card.framing.side)
    found = {}
    for batch in (1, 8):
        whole = len(faces) // batch * batch
        times = []
        for _ in range(CALLS * batch // whole):  # Of all faces: some are read twice.
            begin = time.perf_counter()
            for start in range(0, whole, batch):
                classifier.classify(faces[start : start + batch])
            times.append((time.perf_counter() - begin) * 1000 / whole)
        found[f"batch_{batch}"] = statistics.median(times)
    return found


def _average_faces(side: int) -> npt.NDArray[np.uint8]:
    faces = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(_FACES.glob("*.png"))]
    crops = [
        cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA)
        for one in faces
        if one is not None
    ]
    return np.stack(crops).astype(np.uint8)
