"""The second network: which faces it sees, and how both answers are combined."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.model_card import SecondLook
from runtime.second_look import Faces, Outputs, look_again

LOOK = SecondLook(below={"a": 0.7, "b": 0.4}, sha256="")


def answers(faces: Faces, slope: float) -> Outputs:
    """Answer by the pixels of a face, so that each face and its mirror image have their own."""
    sums = faces.reshape(len(faces), -1).astype(np.float64) @ np.linspace(0, slope, faces[0].size)
    steps = np.arange(7) / 7
    return {
        name: np.sin(sums[:, None] / 500 + steps * factor).astype(np.float32) * 4
        for name, factor in (("a", 9.0), ("b", 5.0))
    }


def probabilities(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits.astype(np.float64))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_unsure_faces_have_the_mean_of_both_and_clear_ones_the_first(seed: int, count: int) -> None:
    faces = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    first = answers(faces, 1.0)
    seen: list[Faces] = []

    def ask(mirrored: Faces) -> Outputs:
        seen.append(mirrored)
        return answers(mirrored, 2.0)

    found = look_again(LOOK, faces, first, ask)

    own = {name: probabilities(logits) for name, logits in first.items()}
    other = {name: probabilities(one) for name, one in answers(faces[:, :, ::-1], 2.0).items()}
    unsure = {name: own[name].max(axis=1) < below for name, below in LOOK.below.items()}
    for name in LOOK.below:
        mean = np.where(unsure[name][:, None], (own[name] + other[name]) / 2, own[name])
        np.testing.assert_allclose(probabilities(found[name]), mean, atol=1e-6)
    asked = unsure["a"] | unsure["b"]
    assert [len(one) for one in seen] == ([asked.sum()] if asked.any() else [])
    for i in range(count):  # Whatever else is in the batch.
        alone = look_again(LOOK, faces[i : i + 1], answers(faces[i : i + 1], 1.0), ask)
        for name in LOOK.below:
            np.testing.assert_array_equal(alone[name][0], found[name][i])


def test_probabilities_of_nothing_do_not_become_infinite() -> None:
    look = SecondLook(below={"a": 1.0}, sha256="")
    sure = np.array([[0, 0, -5000, -5000, -5000, -5000, -5000]], np.float32)

    found = look_again(look, np.zeros((1, 4, 4, 3), np.uint8), {"a": sure}, lambda _: {"a": sure})

    assert np.isfinite(found["a"]).all() and found["a"].argmax() == 0


def test_what_the_first_network_answered_is_not_changed() -> None:
    faces = np.zeros((2, 4, 4, 3), np.uint8)
    first = {"a": np.zeros((2, 7), np.float32), "b": np.zeros((2, 7), np.float32)}
    second = {name: np.eye(2, 7, dtype=np.float32) for name in first}

    found = look_again(LOOK, faces, first, lambda _faces: second)

    assert not any(logits.any() for logits in first.values())
    assert found["a"].argmax(axis=1).tolist() == [0, 1]
