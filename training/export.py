"""From a run's averaged weights to what is shipped: LiteRT float and int8, Keras, and the card."""

import json
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.errors import TrainingRunError
from contracts.model_card import KERAS_NAME, ModelCard
from training.calibration import probabilities
from training.card import artifact_path, build_card, head_truth, write_card
from training.classifier import LiteRtModel
from training.config import ModelShape
from training.data.dataset import SIDE, Dataset, Split
from training.loop import LOG
from training.model import HEADS
from training.teachers.answers import CONFIG, network_of

MOST_BYTES: Final = {"float": 10_000_000, "int8": 3_500_000}
_REPRESENTATIVE: Final = 2000
"""Faces that set the ranges of int8: the best of five choices, by a few tenths (docs/model.md)."""
_SEED: Final = 7

Logits = dict[str, npt.NDArray[np.float32]]


class Precision(StrEnum):
    """How an artifact keeps its weights: float16, computed in float32; or all in int8."""

    FLOAT = "float"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One artifact against the network on the val split, before calibration.

    largest: difference of a probability on any face. accuracy: by head.
    """

    precision: str
    bytes: int
    largest: float
    mean: float
    accuracy: dict[str, float]


@dataclass(frozen=True, slots=True)
class Exported:
    """The folders that were written, and how well they agree with the network."""

    card: ModelCard
    folders: dict[str, Path]
    network_accuracy: dict[str, float]
    agreements: tuple[Agreement, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "model": self.card.version,
            "folders": {name: str(path) for name, path in self.folders.items()},
            "network_accuracy": self.network_accuracy,
            "agreements": [asdict(one) for one in self.agreements],
        }


def export_run(run: Path, data: Dataset, out: Path) -> Exported:
    """Write three artifacts of a run, whose names begin with that of `out`.

    `out` is the float artifact with its card; `out`-int8 the full-integer one with a card of its
    own (its calibration differs); `out`/model.keras the network itself, for GPU workers. Faces
    that set the integer ranges are of the training split.
    """
    model = network_of(run)
    description = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    shape = ModelShape(**description["config"]["model"])
    val = data.split("val")
    answers = model.predict(val.faces, batch_size=256, verbose=0)
    network: Logits = dict(zip(HEADS, map(np.asarray, answers), strict=True))
    lines = (run / LOG).read_text(encoding="utf-8").splitlines()
    training = {
        "architecture": f"MobileNetV2 {shape.alpha}, 48x48x3 seen as {shape.seen_as}x"
        f"{shape.seen_as}, ImageNet start, two heads",
        **description,
        "per_epoch": [json.loads(line) for line in lines],
    }
    cards, folders, agreements = [], {}, []
    for precision in Precision:
        folder = out if precision is Precision.FLOAT else out.with_name(f"{out.name}-int8")
        folder.mkdir(parents=True, exist_ok=True)
        artifact = artifact_path(folder)
        artifact.write_bytes(litert_bytes(model, precision, data.split("train")))
        logits = LiteRtModel(artifact).logits(val.faces)
        agreement = _agreement(precision, artifact, val, network, logits)
        facts = {
            "id": folder.name,
            "created": datetime.now(UTC).date().isoformat(),
            "precision": str(precision),
            "agreement": asdict(agreement),
            "training": training,
        }
        cards.append(write_card(folder, build_card(artifact, val, logits, facts)))
        folders[str(precision)] = folder
        agreements.append(agreement)
    model.save(out / KERAS_NAME)
    return Exported(cards[0], folders, _accuracies(val, network), tuple(agreements))


def litert_bytes(model: Any, precision: Precision, train: Split) -> bytes:
    """The network as LiteRT, with a free batch dimension; pixels are handled inside the graph."""
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
        if precision is Precision.FLOAT:
            converter.target_spec.supported_types = [tf.float16]
        else:
            few = min(_REPRESENTATIVE, len(train))
            chosen = np.random.default_rng(_SEED).choice(len(train), few, replace=False)
            faces = np.repeat(train.images[chosen][..., None], 3, axis=-1)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.representative_dataset = lambda: ({"faces": one[None]} for one in faces)
        data: bytes = converter.convert()
    if len(data) > MOST_BYTES[precision]:
        raise TrainingRunError(
            f"the artifact would have {len(data)} bytes, not {MOST_BYTES[precision]}"
        )
    return data


def _agreement(
    precision: Precision, artifact: Path, val: Split, network: Logits, logits: Logits
) -> Agreement:
    gaps = np.concatenate(
        [np.abs(probabilities(network[head]) - probabilities(logits[head])) for head in HEADS]
    )
    return Agreement(
        precision=str(precision),
        bytes=artifact.stat().st_size,
        largest=round(float(gaps.max()), 4),
        mean=round(float(gaps.mean()), 6),
        accuracy=_accuracies(val, logits),
    )


def _accuracies(val: Split, logits: Logits) -> dict[str, float]:
    found = {}
    for head in HEADS:
        truth, counted = head_truth(val, head)
        if counted.any():
            right = logits[head].argmax(axis=1)[counted] == truth[counted]
            found[head] = round(float(right.mean()), 4)
    return found
