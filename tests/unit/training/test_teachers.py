"""What a student is given to learn: by the shipped artifact, and by answers in a file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contracts.errors import TeacherAnswersError, TrainingRunError
from contracts.expressions import EXPRESSIONS
from inference_worker.faces.model_choice import shipped_model
from training.data.dataset import Split
from training.teachers.answers import (
    Taught,
    answers,
    described,
    is_artifact,
    network_of,
    read_answers,
    start_from,
    write_answers,
)


def faces(count: int, seed: int = 2) -> Split:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 48, 48), dtype=np.uint8)
    votes = np.ones((count, len(EXPRESSIONS)), np.float32)
    return Split(images, np.zeros(count, np.int64), votes, tuple(map(str, range(count))))


def mirrored(split: Split) -> Split:
    images = np.ascontiguousarray(split.images[:, :, ::-1])
    return Split(images, split.labels, split.votes, split.names)


def shares(count: int, seed: int) -> npt.NDArray[np.float32]:
    drawn = np.random.default_rng(seed).dirichlet(np.ones(len(EXPRESSIONS)), count)
    return drawn.astype(np.float32)


def taught(count: int) -> Taught:
    return shares(count, 3), shares(count, 4)


def test_an_artifact_answers_alike_for_a_face_and_its_mirror_image() -> None:
    hard, soft = answers([shipped_model()], faces(4))
    hard_mirrored, _ = answers([shipped_model(), shipped_model()], mirrored(faces(4)))

    assert hard.shape == soft.shape == (4, 7)
    assert hard.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert hard_mirrored == pytest.approx(hard, abs=1e-5)
    assert not np.allclose(hard, soft)


def test_an_artifact_is_told_from_a_run_and_is_not_exported_again(tmp_path: Path) -> None:
    assert is_artifact(shipped_model())
    assert not is_artifact(tmp_path)
    assert described(shipped_model())["artifact"] == shipped_model().name
    with pytest.raises(TrainingRunError, match="no finished epoch"):
        network_of(shipped_model())


def test_answers_in_a_file_weigh_as_much_as_an_artifact_s(tmp_path: Path) -> None:
    split, theirs = faces(4), taught(4)
    write_answers(tmp_path / "theirs.npz", split, theirs)

    both = answers([tmp_path / "theirs.npz", shipped_model()], split)

    for mean, one, other in zip(both, theirs, answers([shipped_model()], split), strict=True):
        assert mean == pytest.approx((one + other) / 2, abs=1e-6)
    assert described(tmp_path / "theirs.npz")["answers"] == "theirs.npz"
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.npz"]


def test_answers_for_other_faces_are_refused(tmp_path: Path) -> None:
    write_answers(tmp_path / "theirs.npz", faces(4), taught(4))

    with pytest.raises(TeacherAnswersError, match="other faces"):
        read_answers(tmp_path / "theirs.npz", faces(4, seed=9))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive"])
def test_a_broken_file_of_answers_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "theirs.npz"
    path.write_bytes(content)

    with pytest.raises(TeacherAnswersError, match=r"theirs\.npz holds no answers"):
        read_answers(path, faces(1))


def test_a_file_without_a_head_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "half.npz", faces=faces(1).digest(), fer2013=shares(1, 3))

    with pytest.raises(TeacherAnswersError, match="ferplus"):
        read_answers(tmp_path / "half.npz", faces(1))


@pytest.mark.parametrize(
    "wrong", [np.ones((2, 7)), np.full((1, 6), 1 / 6), np.full((1, 7), np.nan)]
)
def test_answers_that_are_no_shares_are_refused(
    tmp_path: Path, wrong: npt.NDArray[np.float64]
) -> None:
    np.savez(tmp_path / "odd.npz", faces=faces(1).digest(), fer2013=shares(1, 3), ferplus=wrong)

    with pytest.raises(TeacherAnswersError, match="seven shares"):
        read_answers(tmp_path / "odd.npz", faces(1))


def test_nothing_starts_from_a_file_of_answers(tmp_path: Path) -> None:
    with pytest.raises(TeacherAnswersError, match="no weights"):
        start_from(tmp_path / "theirs.npz", None, faces(1).faces)
