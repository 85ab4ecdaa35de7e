"""A second network, which also reads the faces of which the first one is unsure.

A cascade (Viola and Jones, 2001) of two networks that err on other faces: the mean of their answers
is right more often than either (Hansen and Salamon, 1990). The second one sees the mirror image,
for which even the same network would give another answer. A face that is clear is read once.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from contracts.model_card import SecondLook

Faces = npt.NDArray[np.uint8]
"""Crops [n, side, side, 3]."""
Outputs = dict[str, npt.NDArray[np.float32]]
"""Logits [n, 7] by the name of the output."""


def look_again(
    look: SecondLook, faces: Faces, first: Outputs, ask: Callable[[Faces], Outputs]
) -> Outputs:
    """Return the logits of both networks.

    first: what the first network answered. ask: the second one. Where an output of the first is
    unsure, the result is the logarithm of the mean of both probabilities. So each face's result is
    a function of that face alone.
    """
    own = {name: _probabilities(logits) for name, logits in first.items()}
    unsure = {name: probs.max(axis=1) < look.below[name] for name, probs in own.items()}
    asked = np.any(list(unsure.values()), axis=0)
    if not asked.any():
        return first
    second = ask(np.ascontiguousarray(faces[asked][:, :, ::-1]))
    both = {}
    for name, logits in first.items():
        rows = unsure[name]
        other = _probabilities(second[name])[rows[asked]]
        both[name] = logits.copy()
        both[name][rows] = np.log((own[name][rows] + other) / 2)
    return both


def _probabilities(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
