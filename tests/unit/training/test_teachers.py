"""Answers of teachers: of the shipped artifact, and from a file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contracts.errors import TeacherAnswersError, TrainingRunError
from contracts.expressions import EXPRESSIONS
from tests.litert_models import FLOAT_MODEL
from training.data.dataset import Split
from training.model import HEADS
from training.teachers.answers import (
    TeacherAnswers,
    ask_teachers,
    describe_teacher,
    is_artifact,
    load_network,
    read_answers,
    start_from_teacher,
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


def probabilities(count: int, seed: int) -> npt.NDArray[np.float32]:
    drawn = np.random.default_rng(seed).dirichlet(np.ones(len(EXPRESSIONS)), count)
    return drawn.astype(np.float32)


def their_answers(count: int) -> TeacherAnswers:
    return TeacherAnswers(probabilities(count, 3), probabilities(count, 4))


def test_an_artifact_gives_the_same_answer_for_a_face_and_its_mirror_image() -> None:
    plain = ask_teachers([FLOAT_MODEL], faces(4))
    of_mirrored = ask_teachers([FLOAT_MODEL, FLOAT_MODEL], mirrored(faces(4)))

    assert plain.fer2013.shape == plain.ferplus.shape == (4, 7)
    assert plain.fer2013.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert of_mirrored.fer2013 == pytest.approx(plain.fer2013, abs=1e-5)
    assert not np.allclose(plain.fer2013, plain.ferplus)


def test_an_artifact_is_not_a_run_and_cannot_be_exported(tmp_path: Path) -> None:
    assert is_artifact(FLOAT_MODEL)
    assert not is_artifact(tmp_path)
    assert describe_teacher(FLOAT_MODEL)["artifact"] == FLOAT_MODEL.name
    with pytest.raises(TrainingRunError, match="no finished epoch"):
        load_network(FLOAT_MODEL)


def test_answers_from_a_file_and_from_an_artifact_have_equal_weight(tmp_path: Path) -> None:
    split, theirs = faces(4), their_answers(4)
    write_answers(tmp_path / "theirs.npz", split, theirs)

    both = ask_teachers([tmp_path / "theirs.npz", FLOAT_MODEL], split)

    shipped = ask_teachers([FLOAT_MODEL], split)
    for head in HEADS:
        one, other = getattr(theirs, head), getattr(shipped, head)
        assert getattr(both, head) == pytest.approx((one + other) / 2, abs=1e-6)
    assert describe_teacher(tmp_path / "theirs.npz")["answers"] == "theirs.npz"
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.npz"]


def test_answers_for_other_faces_are_rejected(tmp_path: Path) -> None:
    write_answers(tmp_path / "theirs.npz", faces(4), their_answers(4))

    with pytest.raises(TeacherAnswersError, match="other faces"):
        read_answers(tmp_path / "theirs.npz", faces(4, seed=9))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive"])
def test_a_damaged_file_of_answers_is_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "theirs.npz"
    path.write_bytes(content)

    with pytest.raises(TeacherAnswersError, match=r"theirs\.npz is not a file of answers"):
        read_answers(path, faces(1))


def test_a_file_without_a_head_is_rejected(tmp_path: Path) -> None:
    np.savez(tmp_path / "half.npz", faces=faces(1).digest(), fer2013=probabilities(1, 3))

    with pytest.raises(TeacherAnswersError, match="ferplus"):
        read_answers(tmp_path / "half.npz", faces(1))


@pytest.mark.parametrize(
    "wrong", [np.ones((2, 7)), np.full((1, 6), 1 / 6), np.full((1, 7), np.nan)]
)
def test_answers_that_are_not_probabilities_are_rejected(
    tmp_path: Path, wrong: npt.NDArray[np.float64]
) -> None:
    np.savez(
        tmp_path / "odd.npz", faces=faces(1).digest(), fer2013=probabilities(1, 3), ferplus=wrong
    )

    with pytest.raises(TeacherAnswersError, match="seven probabilities"):
        read_answers(tmp_path / "odd.npz", faces(1))


def test_a_student_cannot_start_from_a_file_of_answers(tmp_path: Path) -> None:
    with pytest.raises(TeacherAnswersError, match="no weights"):
        start_from_teacher(tmp_path / "theirs.npz", None, faces(1).faces)
