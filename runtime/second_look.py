"""A second network, which also reads the faces of which the first one is unsure.

A cascade (Viola and Jones, 2001) of two networks that err on other faces: the mean of their answers
is right more often than either (Hansen and Salamon, 1990). The second one sees the mirror image,
for which even the same network would give another answer. A face that is clear is read once.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.model_card import SecondLook

Faces = npt.NDArray[np.uint8]
"""Crops [n, side, side, 3]."""
Outputs = dict[str, npt.NDArray[np.float32]]
"""Logits [n, 7] by the name of the output."""
_LEAST: Final = float(np.finfo(np.float32).tiny)


def look_again(
    look: SecondLook, faces: Faces, first: Outputs, ask: Callable[[Faces], Outputs]
) -> Outputs:
    """Return the logits of both networks.

    first: what the first network answered. ask: the second one. Where an output of the first is
    unsure, the result is the logarithm of the mean of both probabilities. So each face's result is
    a function of that face alone.
    """
    own = {name: softmax(logits) for name, logits in first.items()}
    unsure = {name: probs.max(axis=1) < look.below[name] for name, probs in own.items()}
    asked = np.any(list(unsure.values()), axis=0)
    if not asked.any():
        return first
    second = ask(np.ascontiguousarray(faces[asked][:, :, ::-1]))
    both = {}
    for name, logits in first.items():
        rows = unsure[name]
        mean = (own[name][rows] + softmax(second[name])[rows[asked]]) / 2
        both[name] = logits.copy()
        both[name][rows] = np.log(np.maximum(mean, _LEAST))  # Never -inf, which cannot be scaled.
    return both


def softmax(logits: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the probabilities of logits [n, 7]."""
    scaled = np.asarray(logits, np.float64)
    exponents = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
