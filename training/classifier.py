"""The logits of an artifact, for calibration, evaluation and teachers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from contracts.model_card import FURTHER_NAMES, WEIGHTS_NAME, Look, ModelCard
from runtime.further_looks import Outputs, look_again
from runtime.logs import quiet_stderr
from training.data.dataset import resized

BATCH = 64


class Reader(Protocol):
    """Reads faces. side: of the faces that it takes, in pixels."""

    side: int

    def logits(self, faces: npt.NDArray[np.uint8], only: str = "") -> Outputs:
        """Return logits [n, 7] by output name, for faces uint8 [n, side, side, 3] of any side.

        only: the one output that is wanted; further networks are asked less often then.
        """
        ...


class LiteRtModel:
    """A .tflite file with named outputs and a free batch dimension, on one CPU thread.

    side: of the faces that it takes, in pixels.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with quiet_stderr():
            interpreter = Interpreter(str(path), num_threads=1)
            self.side = int(interpreter.get_input_details()[0]["shape"][1])
            self._run = interpreter.get_signature_runner()
            self._run(faces=np.zeros((1, self.side, self.side, 3), np.uint8))

    def logits(self, faces: npt.NDArray[np.uint8], only: str = "") -> Outputs:
        """See Reader."""
        faces = resized(faces, self.side)
        parts = [self._run(faces=faces[i : i + BATCH]) for i in range(0, len(faces), BATCH)]
        names = [only] if only else parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}


class Cascade:
    """The networks of a model whose card has further looks; `further` has one for each."""

    def __init__(
        self, first: LiteRtModel, further: Sequence[LiteRtModel], looks: Sequence[Look]
    ) -> None:
        self.side = first.side
        self._first, self._further, self._looks = first, further, looks

    def logits(self, faces: npt.NDArray[np.uint8], only: str = "") -> Outputs:
        """See Reader."""
        faces = resized(faces, self.side)
        first = self._first.logits(faces, only)
        return look_again(self._looks, faces, first, [one.logits for one in self._further])


def open_model(folder: Path) -> Reader:
    """Return the model in a folder, which reads as a worker does. Raises ModelError."""
    return open_networks(folder, ModelCard.read(folder).looks)


def open_networks(folder: Path, looks: Sequence[Look]) -> Reader:
    """Return the networks in a folder, which may have no card yet."""
    first = LiteRtModel(folder / WEIGHTS_NAME)
    if not looks:
        return first
    further = [LiteRtModel(folder / name) for name in FURTHER_NAMES[: len(looks)]]
    return Cascade(first, further, looks)
