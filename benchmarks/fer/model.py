"""Time per face of the model in use and of fer's model, on one thread each."""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.fer.library import fer_python
from benchmarks.results import Verdict, write_result
from contracts.model_card import ModelCard
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.model_choice import chosen_model

ROUNDS, CALLS = 5, 300
_MODEL_SETTING = os.environ.get("MOODLINE_MODEL", "")
MAX_RATIO_ALONE, MAX_RATIO_OF_EIGHT = 1.5, 1.0


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Run the two in turns; compare the medians. No clip is used: pixels do not affect the time."""
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
    side = classifier.card.framing.side
    found = {}
    for batch in (1, 8):
        crops = np.random.default_rng(7).integers(0, 256, (batch, side, side), dtype=np.uint8)
        times = []
        for _ in range(CALLS):
            begin = time.perf_counter()
            classifier.classify(crops)
            times.append((time.perf_counter() - begin) * 1000 / batch)
        found[f"batch_{batch}"] = statistics.median(times)
    return found
