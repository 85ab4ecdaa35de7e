"""The classifier: face crops in, calibrated probabilities out."""

from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contracts.errors import ModelError
from contracts.model_card import WEIGHTS_NAME, Head, ModelCard
from runtime.logs import quiet_stderr

_LARGEST_BATCH: Final = 32


class Classifier(Protocol):
    """Seven probabilities a face, in EXPRESSIONS order."""

    device: str

    @property
    def card(self) -> ModelCard: ...

    def classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]: ...


class LiteRTClassifier:
    """A LiteRT model on the CPU, one thread. Its answers do not depend on the batch size."""

    device = "cpu"

    def __init__(self, folder: Path, head: str = "", *, threads: int = 1) -> None:
        self.card = ModelCard.read(folder, head)
        recorded = self.card.heads[self.card.record_head]
        self._head = recorded
        try:
            with quiet_stderr():
                path = str(folder / WEIGHTS_NAME)
                interpreter = Interpreter(model_path=path, num_threads=threads)
                self._run = interpreter.get_signature_runner()
                # The first call sets up its kernels, greets, and takes the memory that the
                # largest batch needs: none is taken later, when there is much to do.
                self._run(faces=np.zeros((_LARGEST_BATCH, *self.card.input_shape), np.uint8))
        except (ValueError, RuntimeError) as exc:
            raise ModelError(f"model {self.card.id} cannot be loaded: {exc}") from exc
        if recorded.output not in self._run.get_output_details():
            raise ModelError(f"model {self.card.id} has no output {recorded.output!r}")

    def classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """[N, 48, 48] grey crops to [N, 7] probabilities that sum to 1."""
        found = [
            self._probabilities(crops[start : start + _LARGEST_BATCH])
            for start in range(0, len(crops), _LARGEST_BATCH)
        ]
        return np.concatenate(found) if found else np.empty((0, 7))

    def _probabilities(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        faces = np.repeat(crops[..., None], 3, axis=-1)
        return calibrated(self._run(faces=faces)[self._head.output], self._head)


def calibrated(logits: npt.NDArray[np.float32], head: Head) -> npt.NDArray[np.float64]:
    """[N, 7] logits to probabilities, as the head says."""
    scaled = logits.astype(np.float64) / head.temperature
    if head.biases:
        scaled += head.biases
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
