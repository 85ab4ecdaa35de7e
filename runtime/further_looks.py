"""Further networks, which also read the faces of which those before them are unsure.

A cascade (Viola and Jones, 2001): a face that is clear is read once. The mean of networks that err
on other faces is right more often than each (Hansen and Salamon, 1990), and the answer of a larger
network counts instead of a small one's. One may see the mirror image, for which even the same
network would give another answer.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.model_card import Look

Faces = npt.NDArray[np.uint8]
"""Crops [n, side, side, 3]."""
Outputs = dict[str, npt.NDArray[np.float32]]
"""Logits [n, 7] by the name of the output."""
_LEAST: Final = float(np.finfo(np.float32).tiny)


def look_again(
    looks: Sequence[Look],
    faces: Faces,
    first: Outputs,
    networks: Sequence[Callable[[Faces], Outputs]],
) -> Outputs:
    """Return the logits of all networks.

    first: what the first network answered. networks: one for each look. Where an output is unsure
    after the networks before, the next one is asked, too; the result is the logarithm of the mean
    of the probabilities that count. So each face's result is a function of that face alone.
    """
    found = dict(first)
    means = {name: softmax(logits) for name, logits in first.items()}
    unsure = {name: np.ones(len(faces), bool) for name in first}
    counted = 1
    for look, ask in zip(looks, networks, strict=True):
        for name in unsure:
            unsure[name] &= means[name].max(axis=1) < look.below[name]
        asked = np.any(list(unsure.values()), axis=0)
        if not asked.any():
            break
        seen = faces[asked][:, :, ::-1] if look.mirrored else faces[asked]
        answers = ask(np.ascontiguousarray(seen))
        counted = 1 if look.alone else counted + 1
        for name, rows in unsure.items():
            probabilities = softmax(answers[name])[rows[asked]]
            means[name][rows] += (probabilities - means[name][rows]) / counted
            found[name] = found[name].copy()
            # Never -inf, which cannot be scaled.
            found[name][rows] = np.log(np.maximum(means[name][rows], _LEAST))
    return found


def softmax(logits: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the probabilities of logits [n, 7]."""
    scaled = np.asarray(logits, np.float64)
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
