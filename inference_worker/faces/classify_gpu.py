"""The classifier on a GPU: the same network, as a Keras model on TensorFlow.

Its probabilities differ from LiteRT's by float rounding (docs/model.md has the measure), so a run
that is handed from one kind of worker to the other keeps its labels but not its last digits.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from contracts.errors import ModelError
from contracts.model_card import KERAS_NAME, ModelCard
from inference_worker.faces.classify import calibrated


class KerasClassifier:
    """A Keras model on the first GPU. require_gpu: False lets a test run it where none is."""

    device = "gpu"

    def __init__(self, folder: Path, head: str = "", *, require_gpu: bool = True) -> None:
        import keras
        import tensorflow as tf

        if require_gpu and not tf.config.list_physical_devices("GPU"):
            raise ModelError(
                "TensorFlow sees no GPU", hint="Check the driver, or use --device cpu or auto"
            )
        self.card = ModelCard.read(folder, head)
        self._head = self.card.heads[self.card.record_head]
        try:
            model = keras.saving.load_model(folder / KERAS_NAME, compile=False)
            output = model.get_layer(self.card.record_head).output
        except (ValueError, OSError) as exc:
            raise ModelError(f"model {self.card.id} cannot be loaded: {exc}") from exc
        network = keras.Model(model.inputs, output)
        # One graph per size of batch, which are powers of two. Without training=False a traced
        # network normalises by its batch, as in training.
        self._run = tf.function(lambda faces: network(faces, training=False))

    def classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """[N, 48, 48] grey crops to [N, 7] probabilities that sum to 1."""
        if not len(crops):
            return np.empty((0, 7))
        room = 1 << (len(crops) - 1).bit_length()
        faces = np.zeros((room, *self.card.input_shape), np.uint8)
        faces[: len(crops)] = crops[..., None]
        return calibrated(np.asarray(self._run(faces))[: len(crops)], self._head)
