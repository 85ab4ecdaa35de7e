"""Classifiers: face crops in, calibrated probabilities out."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contracts.errors import ModelError
from contracts.model_card import FURTHER_NAMES, WEIGHTS_NAME, Head, ModelCard
from runtime.further_looks import Faces, Outputs, look_again, softmax
from runtime.logs import quiet_stderr

_LARGEST_BATCH: Final = 32


class Classifier(Protocol):
    """Returns seven probabilities for each face, in EXPRESSIONS order."""

    device: str

    @property
    def card(self) -> ModelCard: ...

    def classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]: ...


class LiteRTClassifier:
    """A LiteRT model on one CPU thread. Its results do not depend on the batch size.

    Raises ModelError if the model cannot be loaded. head: see ModelCard.read.
    """

    device = "cpu"

    def __init__(self, folder: Path, head: str = "", *, threads: int = 1) -> None:
        self.card = ModelCard.read(folder, head)
        self._head = self.card.heads[self.card.record_head]
        self._first = self._load(folder / WEIGHTS_NAME, threads)
        names = FURTHER_NAMES[: len(self.card.looks)]
        self._further = [self._load(folder / name, threads) for name in names]

    def _load(self, path: Path, threads: int) -> Callable[[Faces], Outputs]:
        """Return a function that gives the head's logits of faces."""
        output, shape = self._head.output, self.card.input_shape
        try:
            with quiet_stderr():
                interpreter = Interpreter(model_path=str(path), num_threads=threads)
                run = interpreter.get_signature_runner()
                taken = tuple(interpreter.get_input_details()[0]["shape"][1:].tolist())
                if taken != shape:
                    raise ValueError(f"the inputs of {path.name} are {taken}, not {shape}")
                # The first call sets up the kernels, prints a banner, and allocates the memory of
                # the largest batch: no later call allocates.
                run(faces=np.zeros((_LARGEST_BATCH, *shape), np.uint8))
        except (ValueError, RuntimeError) as exc:
            raise ModelError(f"model {self.card.id} cannot be loaded: {exc}") from exc
        if output not in run.get_output_details():
            raise ModelError(f"model {self.card.id} has no output {output!r} in {path.name}")
        return lambda faces: {output: run(faces=faces)[output]}

    def classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Return [N, 7] probabilities of grey crops uint8 [N, side, side]; each row sums to 1."""
        batches = [
            self._probabilities(crops[start : start + _LARGEST_BATCH])
            for start in range(0, len(crops), _LARGEST_BATCH)
        ]
        return np.concatenate(batches) if batches else np.empty((0, 7))

    def _probabilities(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        faces = np.repeat(crops[..., None], 3, axis=-1)
        logits = self._first(faces)
        if self._further:
            logits = look_again(self.card.looks, faces, logits, self._further)
        return calibrated(logits[self._head.output], self._head)


def calibrated(logits: npt.NDArray[np.float32], head: Head) -> npt.NDArray[np.float64]:
    """Return probabilities [N, 7]: softmax(logits / temperature + biases) of the head."""
    scaled = logits.astype(np.float64) / head.temperature
    if head.biases:
        scaled += head.biases
    return softmax(scaled)
