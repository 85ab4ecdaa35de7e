"""What a student is given to learn, by the shipped artifact as its teacher."""

from pathlib import Path

import numpy as np
import pytest

from inference_worker.shipped import shipped_model
from training.teachers import RunError, answers, described, is_artifact, network_of


def test_an_artifact_answers_alike_for_a_face_and_its_mirror_image() -> None:
    faces = np.random.default_rng(2).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
    mirrored = np.ascontiguousarray(faces[:, :, ::-1])

    hard, soft = answers([shipped_model()], faces)
    hard_mirrored, _ = answers([shipped_model(), shipped_model()], mirrored)

    assert hard.shape == soft.shape == (4, 7)
    assert hard.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert hard_mirrored == pytest.approx(hard, abs=1e-5)
    assert not np.allclose(hard, soft)


def test_an_artifact_is_told_from_a_run_and_is_not_exported_again(tmp_path: Path) -> None:
    assert is_artifact(shipped_model())
    assert not is_artifact(tmp_path)
    assert described(shipped_model())["artifact"] == shipped_model().name
    with pytest.raises(RunError, match="no finished epoch"):
        network_of(shipped_model())
