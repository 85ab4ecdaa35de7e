"""From a run's averaged weights to the artifact that workers load: LiteRT plus its card."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contracts.errors import ModelError
from contracts.model_card import ModelCard
from training.card import artifact_path, build_card, write_card
from training.classifier import LiteRtModel
from training.config import ModelShape
from training.dataset import SIDE, Dataset
from training.loop import CONFIG, LOG, WEIGHTS
from training.model import HEADS, build_model

MOST_BYTES = 10_000_000

LARGEST_DRIFT = 0.2
"""Of a logit, between float32 weights and the artifact's float16 ones."""


class RunError(ModelError):
    """Raised when a run's folder holds nothing to export."""


def export_run(run: Path, data: Dataset, out: Path) -> ModelCard:
    """Write the artifact and its card into `out`, whose name is the model's id."""
    if not (run / WEIGHTS).exists() or not (run / CONFIG).exists():
        raise RunError(f"{run} holds no finished epoch", hint="Train first; see training --help")
    description = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    shape = ModelShape(**description["config"]["model"])
    model = build_model(shape, pretrained=False)
    model.load_weights(str(run / WEIGHTS))
    out.mkdir(parents=True, exist_ok=True)
    artifact = artifact_path(out)
    artifact.write_bytes(litert_bytes(model))
    val = data.split("val")
    logits = LiteRtModel(artifact).logits(val.faces)
    lines = (run / LOG).read_text(encoding="utf-8").splitlines()
    facts = {
        "id": out.name,
        "created": datetime.now(UTC).date().isoformat(),
        "training": {
            "architecture": f"MobileNetV2 {shape.alpha}, 48x48x3 seen as {shape.seen_as}x"
            f"{shape.seen_as}, ImageNet start, two heads",
            **description,
            "per_epoch": [json.loads(line) for line in lines],
            "float16_weights_largest_logit_difference": _drift(model, val.faces[:256], logits),
        },
    }
    return write_card(out, build_card(artifact, val, logits, facts))


def litert_bytes(model: Any) -> bytes:
    """The network as LiteRT: float16 weights, computed in float32, with a free batch dimension."""
    import tensorflow as tf

    signature = [tf.TensorSpec([None, SIDE, SIDE, 3], tf.uint8, name="faces")]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator,unused-ignore]
    def serve(faces: Any) -> dict[str, Any]:
        return dict(zip(HEADS, model(faces, training=False), strict=True))

    module = tf.Module()
    # The module must own the variables, or the saved graph would be without weights.
    module.variables_of_model = [variable.value for variable in model.variables]
    module.serve = serve
    with tempfile.TemporaryDirectory() as folder:
        signatures = {"serving_default": serve.get_concrete_function()}
        tf.saved_model.save(module, folder, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        data: bytes = converter.convert()
    if len(data) > MOST_BYTES:
        raise RunError(f"the artifact would have {len(data)} bytes, more than {MOST_BYTES}")
    return data


def _drift(
    model: Any, faces: npt.NDArray[np.uint8], logits: dict[str, npt.NDArray[np.float32]]
) -> float:
    """Largest difference of a logit to the network's; a mixed-up head shows here too."""
    expected = model.predict(faces, batch_size=len(faces), verbose=0)
    found = [logits[head][: len(faces)] for head in HEADS]
    drift = max(float(np.abs(e - f).max()) for e, f in zip(expected, found, strict=True))
    if drift > LARGEST_DRIFT:
        raise RunError(f"the artifact's logits differ from the network's by {drift:.3f}")
    return round(drift, 4)
