"""The inputs of a training in one file, and the training steps made of them."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import TeacherAnswersError
from training.config import Augmentation, Distillation, Optimizer, TrainingConfig, read_config
from training.data.augment import TrainingBatch
from training.data.dataset import Split
from training.data.material import Material, Targets, read_material, repeated, write_material
from training.data.views import view
from training.loop import batches, views
from training.packed import main, with_steps
from training.teachers.answers import TeacherAnswers, ask_teachers, write_answers
from training.teachers.prepare import build_targets

ROOT = Path(__file__).parents[3]
RECIPES = ROOT / "training" / "configs"
N = 20


def split(voted: int = N) -> Split:
    rng = np.random.default_rng(1)
    votes = np.zeros((N, 7), np.float32)
    votes[:voted] = 1.0
    images = rng.integers(0, 256, (N, 48, 48), dtype=np.uint8)
    return Split(images, np.arange(N) % 7, votes, tuple(map(str, range(N))))


def features(views: int) -> np.ndarray:
    """Features by which a view of a face can be told: its top left pixel, as a share of 256."""
    images = split().images
    corners = [view(images, number)[:, 0, 0] for number in range(views)]
    return np.stack(corners)[..., None].astype(np.float16) / 256


def material(views: int = 1) -> Material:
    faces = split()
    hard = np.eye(7, dtype=np.float32)[faces.labels]
    return Material(
        images=faces.images,
        targets=Targets(hard, faces.vote_shares, np.ones(N, np.float32), features(views)),
        val_images=faces.images[:3],
        val_labels=faces.labels[:3],
        val_majority=np.array([1, -1, 2]),
        start=tuple(np.full((2, i + 1), i, np.float32) for i in range(12)),
        description={"data": {"name": "fer2013.zip"}},
    )


def test_material_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = material(views=3)

    write_material(tmp_path / "packed.npz", written)
    read = read_material(tmp_path / "packed.npz")

    assert [path.name for path in tmp_path.iterdir()] == ["packed.npz"]
    assert read.description == written.description
    for name in ("images", "val_images", "val_labels", "val_majority"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    for name in ("hard", "soft", "soft_weight", "features"):
        np.testing.assert_array_equal(getattr(read.targets, name), getattr(written.targets, name))
    # In the order in which the network has them, also beyond ten.
    assert len(read.start) == 12
    for one, other in zip(read.start, written.start, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive"])
def test_a_file_that_is_no_packed_training_is_one_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "packed.npz"
    path.write_bytes(content)
    recipe_file = str(RECIPES / "first.toml")

    with pytest.raises(SystemExit, match="1"):
        main(["train", str(path), "--config", recipe_file, "--run", str(tmp_path / "run")])

    (line,) = capsys.readouterr().err.splitlines()
    assert "packed.npz is not a packed training" in line


def test_an_epoch_always_has_the_same_batches_and_each_face_once() -> None:
    config = recipe(batch=4)
    faces = material()

    first, again = (list(batches(faces, config, 3, views(faces))) for _ in range(2))

    assert len(first) == N // 4
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.faces, other.faces)
    assert sorted(key for batch in first for key in keys(batch, faces)) == list(range(N))
    assert not np.array_equal(first[0].faces, next(batches(faces, config, 4, views(faces))).faces)


def test_a_batch_has_the_features_of_the_views_in_it() -> None:
    faces = material(views=4)

    epoch = list(batches(faces, recipe(batch=4), 3, views(faces)))

    for batch in epoch:
        corners = batch.faces[:, 0, 0, :1].astype(np.float32) / 256
        np.testing.assert_array_equal(batch.features, corners)
    plain = {face.tobytes() for face in repeated(faces.images)}
    taken = [face.tobytes() in plain for batch in epoch for face in batch.faces]
    assert any(taken) and not all(taken)


def test_a_recipe_that_learns_features_needs_a_teacher_that_has_them(tmp_path: Path) -> None:
    faces = split()
    sure = np.eye(7, dtype=np.float32)[[0] * N]
    write_answers(tmp_path / "a.npz", faces, TeacherAnswers(sure, sure))
    write_answers(tmp_path / "b.npz", faces, TeacherAnswers(sure, sure, features(views=3)))
    learns = replace(recipe(), distillation=Distillation(0.7, feature_weight=2.0))
    without = ask_teachers([tmp_path / "a.npz"], faces)
    both = ask_teachers([tmp_path / "a.npz", tmp_path / "b.npz"], faces)

    targets = build_targets(faces, learns, both)

    np.testing.assert_array_equal(targets.features, features(views=3))
    # A recipe that does not learn them has none, and sees the faces as they are.
    assert build_targets(faces, recipe(), both).features.shape == (1, N, 0)
    with pytest.raises(TeacherAnswersError, match="tiny learns features, but no teacher has any"):
        build_targets(faces, learns, without)
    write_answers(tmp_path / "c.npz", faces, TeacherAnswers(sure, sure, features(3)[:, 1:]))
    with pytest.raises(TeacherAnswersError, match="features for each view of each face"):
        ask_teachers([tmp_path / "c.npz"], faces)


def test_another_batch_keeps_the_averaged_faces_and_grows_the_rate() -> None:
    config = recipe(batch=64)

    larger = with_steps(config, 40, 256).optimizer

    assert (larger.epochs, larger.batch) == (40, 256)
    assert larger.peak_rate == pytest.approx(config.optimizer.peak_rate * 2)
    assert larger.ema_momentum == pytest.approx(config.optimizer.ema_momentum**4)
    assert with_steps(config, None, None) == config


def test_teachers_have_the_weights_of_the_recipe(tmp_path: Path) -> None:
    faces = split()
    sure, unsure = np.eye(7, dtype=np.float32)[[0] * N], np.full((N, 7), 1 / 7, np.float32)
    write_answers(tmp_path / "a.npz", faces, TeacherAnswers(sure, unsure))
    write_answers(tmp_path / "b.npz", faces, TeacherAnswers(unsure, sure))
    teachers = [tmp_path / "a.npz", tmp_path / "b.npz"]

    answers = ask_teachers(teachers, faces, (0.7, 0.3))

    assert answers.fer2013[0, 0] == pytest.approx(0.7 + 0.3 / 7)
    assert answers.ferplus[0, 0] == pytest.approx(0.3 + 0.7 / 7)
    with pytest.raises(TeacherAnswersError, match="weights for 3 teachers, but 2"):
        ask_teachers(teachers, faces, (0.5, 0.3, 0.2))


def test_targets_are_a_mean_of_labels_and_answers() -> None:
    faces = split(voted=N - 1)
    ones = np.eye(7, dtype=np.float32)[[3] * N]
    config = recipe(teacher_share=0.7)

    targets = build_targets(faces, config, TeacherAnswers(ones, ones))

    assert targets.hard[0, 3] == pytest.approx(0.7)
    assert targets.hard[0, 0] == pytest.approx(0.3)
    assert targets.soft[0, 3] == pytest.approx(0.7 + 0.3 / 7)
    # A face without votes has the teacher's answer alone.
    assert targets.soft[-1, 3] == 1.0
    assert targets.soft_weight.tolist() == [1.0] * N


def test_a_recipe_may_weigh_its_teachers() -> None:
    assert read_config(RECIPES / "fourth.toml").distillation.teacher_weights == (0.7, 0.3)


def test_training_needs_no_decoder_and_no_statistics() -> None:
    absent = ("cv2", "scipy", "pydantic", "av", "ai_edge_litert", "tensorflow", "keras")
    code = f"import sys, training.packed; print([m for m in {absent} if m in sys.modules])"
    command = [sys.executable, "-c", code]

    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.stdout.strip() == "[]", done.stderr


def recipe(batch: int = 64, teacher_share: float = 0.0) -> TrainingConfig:
    return TrainingConfig(
        name="tiny",
        seed=1,
        model=read_config(RECIPES / "first.toml").model,
        optimizer=Optimizer(epochs=2, batch=batch, label_smoothing=0.0),
        augmentation=Augmentation(),
        distillation=Distillation(teacher_share),
    )


def keys(batch: TrainingBatch, faces: Material) -> list[int]:
    """Return the number of each face of a batch, which is mirrored or not."""
    known = {face.tobytes(): i for i, face in enumerate(repeated(faces.images))}
    known |= {face.tobytes(): i for i, face in enumerate(repeated(faces.images[:, :, ::-1]))}
    return [known[face.tobytes()] for face in batch.faces]
