"""Further networks: which faces they see, and how all answers are combined."""

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.model_card import Look
from runtime.further_looks import Faces, Outputs, look_again

LOOKS = (
    Look(below={"a": 0.7, "b": 0.4}, alone=False, mirrored=True, sha256=""),
    Look(below={"a": 0.6, "b": 0.4}, alone=False, mirrored=False, sha256=""),
)


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


@given(st.integers(0, 2**32), st.integers(1, 12), st.tuples(st.booleans(), st.booleans()))
def test_unsure_faces_have_the_mean_of_all_that_count(
    seed: int, count: int, alone: tuple[bool, bool]
) -> None:
    looks = [look.model_copy(update={"alone": one}) for look, one in zip(LOOKS, alone, strict=True)]
    faces = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    seen: list[list[Faces]] = [[], []]

    def network(number: int) -> Callable[[Faces], Outputs]:
        def ask(shown: Faces) -> Outputs:
            seen[number].append(shown)
            return answers(shown, number + 2.0)

        return ask

    networks = [network(0), network(1)]
    found = look_again(looks, faces, answers(faces, 1.0), networks)

    views = (faces, faces[:, :, ::-1], faces)
    all_answers = [answers(view, slope) for view, slope in zip(views, (1.0, 2.0, 3.0), strict=True)]
    asked = np.zeros((2, count), bool)
    for name in ("a", "b"):
        for i in range(count):  # One face, one output at a time.
            known = [probabilities(all_answers[0][name][i : i + 1])[0]]
            for number, look in enumerate(looks):
                if np.mean(known, axis=0).max() >= look.below[name]:
                    break
                asked[number, i] = True
                known = [] if look.alone else known
                known.append(probabilities(all_answers[number + 1][name][i : i + 1])[0])
            expected = np.mean(known, axis=0)
            np.testing.assert_allclose(probabilities(found[name])[i], expected, atol=1e-6)
    for number in range(2):
        shown = [len(one) for one in seen[number]]
        assert shown == ([asked[number].sum()] if asked[number].any() else [])
    for i in range(count):  # Whatever else is in the batch.
        alone = look_again(looks, faces[i : i + 1], answers(faces[i : i + 1], 1.0), networks)
        for name in ("a", "b"):
            np.testing.assert_array_equal(alone[name][0], found[name][i])


def test_probabilities_of_nothing_do_not_become_infinite() -> None:
    look = Look(below={"a": 1.0}, alone=False, mirrored=True, sha256="")
    sure = np.array([[0, 0, -5000, -5000, -5000, -5000, -5000]], np.float32)

    found = look_again(
        [look], np.zeros((1, 4, 4, 3), np.uint8), {"a": sure}, [lambda _: {"a": sure}]
    )

    assert np.isfinite(found["a"]).all() and found["a"].argmax() == 0


def test_what_the_first_network_answered_is_not_changed() -> None:
    faces = np.zeros((2, 4, 4, 3), np.uint8)
    first = {"a": np.zeros((2, 7), np.float32), "b": np.zeros((2, 7), np.float32)}
    second = {name: np.eye(2, 7, dtype=np.float32) for name in first}

    found = look_again(LOOKS, faces, first, [lambda _faces: second] * 2)

    assert not any(logits.any() for logits in first.values())
    assert found["a"].argmax(axis=1).tolist() == [0, 1]
