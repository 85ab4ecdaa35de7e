"""Export of a training run: LiteRT float and int8 artifacts, the Keras model, and model cards."""

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
from training.config import DESCRIPTION, ModelShape
from training.data.dataset import Dataset, Split, resized
from training.loop import LOG
from training.model import HEADS
from training.teachers.answers import is_artifact, load_network
from training.teachers.recover import recover_network

MAX_BYTES: Final = {"float": 10_000_000, "int8": 3_500_000}
_REPRESENTATIVE: Final = 2000
"""Faces that set the integer ranges of int8; docs/reference/model-measurements.md compares five."""
_SEED: Final = 7

Logits = dict[str, npt.NDArray[np.float32]]


class Precision(StrEnum):
    """Number format of an artifact: float16 weights computed in float32, or int8 throughout."""

    FLOAT = "float"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One artifact compared with the Keras network on the val split, before calibration.

    largest, mean: absolute difference of the probabilities. accuracy: by head.
    """

    precision: str
    bytes: int
    largest: float
    mean: float
    accuracy: dict[str, float]


@dataclass(frozen=True, slots=True)
class Exported:
    """The written artifacts: folders by precision, and agreement with the Keras network."""

    card: ModelCard
    folders: dict[str, Path]
    network_accuracy: dict[str, float]
    agreements: tuple[Agreement, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "model": self.card.version,
            "folders": {name: str(path) for name, path in self.folders.items()},
            "network_accuracy": self.network_accuracy,
            "agreements": [asdict(one) for one in self.agreements],
        }


def export_run(run: Path, data: Dataset, out: Path) -> Exported:
    """Write the artifacts of a run: `out` (float), `out`-int8, and `out`/model.keras for GPUs.

    run: the folder of a run, or of a float artifact whose int8 one is wanted. Each LiteRT artifact
    has a model card that is calibrated on the val split. Faces of the training split set the
    integer ranges. Raises TrainingRunError, RecoveryError and DatasetError.
    """
    model, origin = _of_artifact(run) if is_artifact(run) else _of_run(run)
    network = network_logits(model, data)
    folders = {Precision.FLOAT: out, Precision.INT8: out.with_name(f"{out.name}-int8")}
    written = [
        write_artifact(folder, model, precision, data, network=network, origin=origin)
        for precision, folder in folders.items()
    ]
    model.save(out / KERAS_NAME)
    return Exported(
        card=written[0][0],
        folders={str(precision): folder for precision, folder in folders.items()},
        network_accuracy=_accuracies(data.split("val"), network),
        agreements=tuple(agreement for _, agreement in written),
    )


def network_logits(model: Any, data: Dataset) -> Logits:
    """Return a Keras network's logits for the val split."""
    faces = resized(data.split("val").faces, model.input_shape[1])
    outputs = model.predict(faces, batch_size=256, verbose=0)
    return dict(zip(HEADS, map(np.asarray, outputs), strict=True))


def write_artifact(  # noqa: PLR0913
    folder: Path,
    model: Any,
    precision: Precision,
    data: Dataset,
    *,
    network: Logits,
    origin: dict[str, Any],
) -> tuple[ModelCard, Agreement]:
    """Write a network's LiteRT file, and its card, which is calibrated on the val split.

    network: logits of the network with which the artifact is compared. origin: facts for the card.
    Raises TrainingRunError if the file is too large.
    """
    val, side = data.split("val"), model.input_shape[1]
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
        **origin,
        "input_shape": [side, side, 3],
    }
    return write_card(folder, build_card(artifact, val, logits, facts)), agreement


def _of_run(run: Path) -> tuple[Any, dict[str, Any]]:
    """Return the network of a run, and the card's facts of where it comes from."""
    model = load_network(run)
    description = json.loads((run / DESCRIPTION).read_text(encoding="utf-8"))
    shape, side = ModelShape(**description["config"]["model"]), model.input_shape[1]
    lines = (run / LOG).read_text(encoding="utf-8").splitlines()
    training = {
        "architecture": f"MobileNetV2 {shape.alpha}, {side}x{side}x3 seen as {shape.seen_as}x"
        f"{shape.seen_as}, ImageNet start, two heads",
        **description,
        "per_epoch": [json.loads(line) for line in lines],
    }
    return model, {"training": training}


def _of_artifact(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return the network of a float artifact, and the facts of its card."""
    card = ModelCard.read(folder)
    return recover_network(folder), {"training": card.training, "weights_of": card.id}


def litert_bytes(model: Any, precision: Precision, train: Split) -> bytes:
    """Return the network as a LiteRT file with the input faces, uint8 [n, side, side, 3].

    Raises TrainingRunError if it is larger than MAX_BYTES.
    """
    import tensorflow as tf

    side = model.input_shape[1]
    signature = [tf.TensorSpec([None, side, side, 3], tf.uint8, name="faces")]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator,unused-ignore]
    def serve(faces: Any) -> dict[str, Any]:
        return dict(zip(HEADS, model(faces, training=False), strict=True))

    module = tf.Module()
    # The module must own the variables, or the saved graph has no weights.
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
            count = min(_REPRESENTATIVE, len(train))
            chosen = np.random.default_rng(_SEED).choice(len(train), count, replace=False)
            faces = resized(train.only(chosen).faces, side)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.representative_dataset = lambda: ({"faces": one[None]} for one in faces)
        data: bytes = converter.convert()
    if len(data) > MAX_BYTES[precision]:
        raise TrainingRunError(
            f"the {precision} artifact has {len(data)} bytes, more than {MAX_BYTES[precision]}"
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
    accuracies = {}
    for head in HEADS:
        truth, counted = head_truth(val, head)
        if counted.any():
            correct = logits[head].argmax(axis=1)[counted] == truth[counted]
            accuracies[head] = round(float(correct.mean()), 4)
    return accuracies
