"""Training that is killed and resumed gives the same result. Needs TensorFlow."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contracts.expressions import EXPRESSIONS
from runtime.decoding.opencv import cv2
from tests.e2e.commands import Installation

pytest.importorskip("tensorflow", reason="`make train` installs TensorFlow")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RECIPE = """
name = "tiny"
seed = 1
[model]
alpha = 0.35
seen_as = 48
[optimizer]
epochs = 3
batch = 7
[augmentation]
rotation_deg = 10.0
mixup_alpha = 0.2
"""


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Noise images in the Kaggle layout; the result does not matter here."""
    rng = np.random.default_rng(5)
    for split, count in (("train", 8), ("val", 2)):
        for emotion in EXPRESSIONS:
            folder = tmp_path / "faces" / split / emotion
            folder.mkdir(parents=True)
            for number in range(count):
                picture = rng.integers(0, 256, (48, 48), dtype=np.uint8)
                cv2.imwrite(str(folder / f"{split}-{emotion}-{number}.png"), picture)
    return tmp_path / "faces"


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    """Random initial weights, the same for both runs, so that nothing is downloaded."""
    path = tmp_path / "start.weights.h5"
    code = (
        "import keras; keras.utils.set_random_seed(1); keras.applications.MobileNetV2("
        "input_shape=(48, 48, 3), alpha=0.35, include_top=False, weights=None, pooling='avg')"
        f".save_weights({str(path)!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    return path


def log(run: Path) -> list[dict[str, object]]:
    lines = (run / "log.jsonl").read_text().splitlines() if (run / "log.jsonl").exists() else []
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def test_a_killed_training_resumes_with_the_same_result(
    installation: Installation, faces: Path, imagenet: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    common = ["model", "train", "--config", recipe, "--data", faces, "--imagenet", imagenet]
    done = installation.run(*common, "--run", tmp_path / "calm")
    assert done.returncode == 0, done.stderr

    process = installation.start(*common, "--run", tmp_path / "killed")
    while not log(tmp_path / "killed"):
        assert process.poll() is None, "the training ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = installation.run(*common, "--run", tmp_path / "killed")
    assert done.returncode == 0, done.stderr

    calm, killed = log(tmp_path / "calm"), log(tmp_path / "killed")
    assert calm[-1]["epoch"] == killed[-1]["epoch"] == 3
    assert killed[-1]["loss"] == pytest.approx(calm[-1]["loss"], abs=0.02)


def test_a_student_learns_from_two_teachers(
    installation: Installation, faces: Path, imagenet: Path, tmp_path: Path
) -> None:
    recipe, student = tmp_path / "tiny.toml", tmp_path / "student.toml"
    recipe.write_text(RECIPE.replace("epochs = 3", "epochs = 1"))
    taught = "[distillation]\nteacher_share = 0.5\nstart_from_teacher = true\n"
    student.write_text(recipe.read_text().replace('"tiny"', '"student"') + taught)
    common = ["model", "train", "--data", faces, "--imagenet", imagenet]
    for name in ("one", "two"):
        done = installation.run(*common, "--config", recipe, "--run", tmp_path / name)
        assert done.returncode == 0, done.stderr

    alone = installation.run(*common, "--config", student, "--run", tmp_path / "alone")
    teachers = ["--teacher", tmp_path / "one", "--teacher", tmp_path / "two"]
    done = installation.run(*common, "--config", student, "--run", tmp_path / "student", *teachers)

    assert alone.returncode == 1 and "needs a teacher" in alone.stderr
    assert done.returncode == 0, done.stderr
    described = json.loads((tmp_path / "student" / "run.json").read_text())
    assert [one["run"] for one in described["teachers"]] == ["one", "two"]
    assert len(log(tmp_path / "student")) == 1
