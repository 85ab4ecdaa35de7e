"""From a run's averaged weights to the artifact that workers load: LiteRT plus its card."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.card import MODEL_FILE, build_card, write_card
from training.classifier import LiteRtModel
from training.config import ModelShape
from training.dataset import SIDE, Dataset
from training.loop import CONFIG, WEIGHTS
from training.model import HEADS, build_model

MOST_BYTES = 10_000_000

ExportedLogits = list[npt.NDArray[np.float32]]


class ExportDriftError(RuntimeError):
    """Raised when the artifact does not read faces as the network it was made from does."""


def export_run(run: Path, data: Dataset, out: Path, model_id: str, version: str) -> dict[str, Any]:
    """Write model.tflite and model_card.json into `out`; returns the card."""
    description = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    model = _trained(run, ModelShape(**description["config"]["model"]))
    out.mkdir(parents=True, exist_ok=True)
    artifact = out / MODEL_FILE
    artifact.write_bytes(litert_bytes(model))
    val = data.split("val")
    lite = LiteRtModel(artifact)
    logits = lite.logits(val.faces)
    drift = _checked(model, val.faces[:256], logits)
    facts = {
        "id": model_id,
        "version": version,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "architecture": "MobileNetV2, 48x48 seen as 96x96 in the graph, two heads",
        "file": MODEL_FILE,
        "weights": "float16, computed in float32",
        "training": description,
        "largest_logit_difference_to_keras": drift,
    }
    card = build_card(artifact, val, logits, facts)
    write_card(out, card)
    return card


def _trained(run: Path, shape: ModelShape) -> Any:
    # The run's own weights replace all others, so the start does not matter here.
    model = build_model(shape, imagenet=None, pretrained=False)
    model.load_weights(str(run / WEIGHTS))
    return model


def litert_bytes(model: Any) -> bytes:
    """The network as LiteRT with float16 weights, and a free batch dimension."""
    import keras
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        signature = [keras.InputSpec(shape=(None, SIDE, SIDE, 3), dtype="uint8")]
        model.export(folder, format="tf_saved_model", input_signature=signature, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        data: bytes = converter.convert()
    if len(data) > MOST_BYTES:
        raise ExportDriftError(f"the artifact has {len(data)} bytes, more than {MOST_BYTES}")
    return data


def _checked(model: Any, faces: npt.NDArray[np.uint8], logits: ExportedLogits) -> float:
    """Largest difference of a logit to the network's; the order of heads is checked with it."""
    expected = model.predict(faces, batch_size=len(faces), verbose=0)
    pairs = zip(expected, logits, strict=True)
    drift = max(float(np.abs(e - found[: len(faces)]).max()) for e, found in pairs)
    if drift > 0.2:
        raise ExportDriftError(f"outputs {HEADS} differ from the network's by {drift:.3f}")
    return round(drift, 4)
