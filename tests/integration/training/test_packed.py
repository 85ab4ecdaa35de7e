"""A packed training runs with NumPy and Keras alone. Needs TensorFlow, or another backend."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import TrainingRunError
from training import packed
from training.config import ModelShape, read_config
from training.data.material import Material, Targets, read_material, write_material
from training.model import build_model, fuse_batch_norms
from training.teachers.answers import load_network

pytest.importorskip("keras", reason="`make train` installs TensorFlow")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RECIPE = """
name = "tiny"
seed = 1
[model]
alpha = 0.35
seen_as = 48
[optimizer]
epochs = 3
batch = 8
[augmentation]
rotation_deg = 10.0
mixup_alpha = 0.2
"""


FEATURES = np.random.default_rng(1).standard_normal((3, 32, 5)).astype(np.float16)
"""Features of three views of each face."""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def material(recipe: Path, tmp_path: Path) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (32, 48, 48), dtype=np.uint8)
    labels = np.arange(32) % 7
    hard = np.eye(7, dtype=np.float32)[labels]
    model = build_model(read_config(recipe).model, pretrained=False)
    path = tmp_path / "packed.npz"
    write_material(
        path,
        Material(
            images=images,
            targets=Targets(hard, hard, np.ones(32, np.float32), FEATURES),
            val_images=images[:8],
            val_labels=labels[:8],
            val_majority=labels[:8],
            start=tuple(model.get_weights()),
            description={"data": {"name": "noise"}},
        ),
    )
    return path


def test_a_packed_training_continues_and_is_a_run_that_can_be_exported(
    recipe: Path, material: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = ["train", str(material), "--config", str(recipe), "--run", str(run), "--batch", "16"]

    packed.main([*command, "--epochs", "1"])
    packed.main([*command, "--epochs", "2"])

    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert set(lines[0]["ema"]) == {"fer2013", "ferplus"}
    described = json.loads((run / "run.json").read_text())
    assert described["data"] == {"name": "noise"}
    assert (described["config"]["optimizer"]["epochs"], described["config"]["name"]) == (2, "tiny")
    assert load_network(run).input_shape == (None, 48, 48, 3)


def test_a_student_of_features_is_a_run_with_two_heads(
    recipe: Path, material: Path, tmp_path: Path
) -> None:
    recipe.write_text(
        RECIPE + "[distillation]\nteacher_share = 0.5\nfeature_weight = 50.0\n",
    )
    run = tmp_path / "run"
    command = ["train", str(material), "--config", str(recipe), "--run", str(run)]

    packed.main([*command, "--epochs", "1"])
    packed.main([*command, "--epochs", "3"])

    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert len(load_network(run).outputs) == 2


def test_layers_before_the_first_that_learns_keep_their_weights(
    recipe: Path, material: Path, tmp_path: Path
) -> None:
    recipe.write_text(
        RECIPE.replace("seen_as = 48", 'seen_as = 48\nlearns_from = "block_6_expand"')
    )
    start = build_model(read_config(recipe).model, pretrained=False)
    start.set_weights(read_material(material).start)
    run = tmp_path / "run"

    packed.main(
        ["train", str(material), "--config", str(recipe), "--run", str(run), "--epochs", "1"]
    )

    changed = {
        one.name
        for one, other in zip(_layers(start), _layers(load_network(run)), strict=True)
        for before, after in zip(one.get_weights(), other.get_weights(), strict=True)
        if not np.array_equal(before, after)
    }
    assert "block_6_expand" in changed and "block_16_project" in changed
    assert not {name for name in changed if name.startswith(("Conv1", "bn_", "block_5"))}


def test_a_recipe_with_an_unknown_layer_is_refused(recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("[optimizer]", 'learns_from = "block_99"\n[optimizer]'))
    with pytest.raises(TrainingRunError, match="no layer 'block_99'"):
        build_model(read_config(recipe).model, pretrained=False)


@pytest.mark.parametrize("training", [False, True])
def test_fused_batch_norms_compute_the_same(training: bool) -> None:
    """Also before the first layer that learns, whose statistics stay."""
    shape = ModelShape(alpha=0.35, seen_as=48, dropout=0.0, learns_from="block_3_expand")
    plain, fused = (build_model(shape, pretrained=False) for _ in range(2))
    rng = np.random.default_rng(5)
    for weights in plain.weights:
        if weights.path.endswith(("moving_mean", "beta")):
            weights.assign(rng.normal(0, 0.3, weights.shape))
        elif weights.path.endswith(("moving_variance", "gamma")):
            weights.assign(rng.uniform(0.5, 2.0, weights.shape))
    fused.set_weights(plain.get_weights())
    fuse_batch_norms(fused)
    before = plain.get_weights()
    faces = rng.integers(0, 256, (16, 48, 48, 3), dtype=np.uint8)

    expected, found = (model(faces, training=training) for model in (plain, fused))

    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-3, atol=1e-3)
    changed = [not np.array_equal(x, y) for x, y in zip(before, plain.get_weights(), strict=True)]
    assert any(changed) == training
    for one, other in zip(plain.get_weights(), fused.get_weights(), strict=True):
        # A sample's variance, of 16 faces and as many places as there are: 16 in the last layers.
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def _layers(model: Any) -> list[Any]:
    """The layers of the backbone, in order."""
    return list(next(one for one in model.layers if one.name.startswith("mobilenetv2")).layers)
