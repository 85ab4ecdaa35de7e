"""Recovery of a trainable network from an artifact. Needs TensorFlow."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from contracts.errors import RecoveryError
from contracts.expressions import EXPRESSIONS
from contracts.model_card import CARD_NAME, WEIGHTS_NAME, ModelCard
from tests.litert_models import FLOAT_MODEL
from training.classifier import LiteRtModel
from training.config import ModelShape
from training.data.dataset import Dataset, Split
from training.model import HEADS, build_model
from training.teachers.recover import read_folded_network, recover_network, reset_batch_norms

pytest.importorskip("tensorflow", reason="`make train` installs TensorFlow")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SHAPE = ModelShape(alpha=0.35, seen_as=48)

Faces = npt.NDArray[np.uint8]


def noise(count: int, seed: int) -> Split:
    """Return blurred noise; plain noise has the same statistics everywhere."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 6, 6), dtype=np.uint8)
    images = small.repeat(8, axis=1).repeat(8, axis=2)
    none = np.zeros((count, len(EXPRESSIONS)), np.float32)
    return Split(images, np.zeros(count, np.int64), none, tuple(map(str, range(count))))


@pytest.fixture(scope="module")
def network() -> Any:
    """An untrained network with random batch norms."""
    model = build_model(SHAPE, pretrained=False)
    rng = np.random.default_rng(5)
    for weights in model.weights:
        if weights.path.endswith(("moving_mean", "beta", "bias")):
            weights.assign(rng.normal(0, 0.3, weights.shape))
        elif weights.path.endswith(("moving_variance", "gamma")):
            weights.assign(rng.uniform(0.5, 2.0, weights.shape))
    return model


def exported(network: Any, folder: Path, *, int8: bool = False) -> Path:
    from training.export import Precision, litert_bytes

    precision = Precision.INT8 if int8 else Precision.FLOAT
    content = litert_bytes(network, precision, noise(500, seed=3))
    folder.mkdir()
    (folder / WEIGHTS_NAME).write_bytes(content)
    card = json.loads((FLOAT_MODEL / CARD_NAME).read_text())
    card["sha256"] = hashlib.sha256(content).hexdigest()
    card["training"]["config"]["model"] = {"alpha": SHAPE.alpha, "seen_as": SHAPE.seen_as}
    (folder / CARD_NAME).write_text(json.dumps(card))
    return folder


def logits(model: Any, faces: Faces) -> npt.NDArray[np.float32]:
    return np.stack(model.predict(faces, verbose=0))


def test_a_recovered_network_has_the_output_of_its_artifact(network: Any, tmp_path: Path) -> None:
    artifact, faces = exported(network, tmp_path / "float"), noise(20, seed=1).faces

    shipped = LiteRtModel(artifact / WEIGHTS_NAME).logits(faces)

    assert logits(recover_network(artifact), faces) == pytest.approx(
        np.stack([shipped[head] for head in HEADS]), abs=1e-3
    )


def test_recovered_kernels_have_the_scale_of_new_ones(network: Any, tmp_path: Path) -> None:
    backbone = next(layer for layer in network.layers if hasattr(layer, "layers"))
    for layer in backbone.layers:
        if "expand" in layer.name and "BN" not in layer.name and layer.get_weights():
            layer.set_weights([layer.get_weights()[0] / 20])

    model = recover_network(exported(network, tmp_path / "float"))

    found = next(layer for layer in model.layers if hasattr(layer, "layers")).layers
    kernels = [layer.get_weights()[0] for layer in found if "Conv2D" in type(layer).__name__]
    assert len(kernels) == 52
    for kernel in kernels:
        inputs = np.prod(kernel.shape[:2]) if kernel.shape[-1] == 1 else np.prod(kernel.shape[:3])
        assert np.sqrt(np.mean(kernel**2) * inputs / 2) == pytest.approx(1.0, abs=0.01)


def test_resetting_batch_norms_keeps_the_output(network: Any, tmp_path: Path) -> None:
    model, faces = recover_network(exported(network, tmp_path / "float")), noise(64, seed=2).faces
    before = logits(model, faces)
    norm = next(layer for layer in model.layers if hasattr(layer, "layers")).get_layer("bn_Conv1")

    reset_batch_norms(model, faces)

    assert logits(model, faces) == pytest.approx(before, abs=1e-3)
    *_, variance = norm.get_weights()
    assert not np.allclose(variance, 1.0, atol=0.1)
    # A first training step uses batch statistics instead of the stored ones.
    model.get_layer(index=-len(HEADS) - 1).rate = 0.0
    stepped = np.stack([np.asarray(head) for head in model(faces, training=True)])
    assert stepped == pytest.approx(before, abs=1e-2)


def labelled(count: int, seed: int) -> Split:
    """Return noise with each label equally often, and votes that agree."""
    plain, labels = noise(count, seed), np.arange(count) % len(EXPRESSIONS)
    votes = 8 * np.eye(len(EXPRESSIONS), dtype=np.float32)[labels] + 1
    return Split(plain.images, labels, votes, plain.names)


def test_the_int8_artifact_of_a_float_one_is_exported(network: Any, tmp_path: Path) -> None:
    from training.export import export_run

    artifact = exported(network, tmp_path / "float")
    data = Dataset(tmp_path, {"train": labelled(500, seed=3), "val": labelled(140, seed=4)})

    done = export_run(artifact, data, tmp_path / "again")

    card, source = ModelCard.read(done.folders["int8"]), ModelCard.read(artifact)
    assert (card.id, card.training) == ("again-int8", source.training)
    same, int8 = done.agreements
    assert same.largest < int8.largest
    assert int8.bytes < same.bytes * 0.8
    with pytest.raises(RecoveryError, match="int8"):
        export_run(done.folders["int8"], data, tmp_path / "third")


def test_int8_weights_cannot_be_recovered(network: Any, tmp_path: Path) -> None:
    artifact = exported(network, tmp_path / "int8", int8=True)

    with pytest.raises(RecoveryError, match="int8"):
        read_folded_network(artifact / WEIGHTS_NAME)
