"""The GPU classifier: the same network, as a Keras model on TensorFlow.

Its probabilities differ from LiteRT's by float rounding (see docs/model.md). A run that
moves between CPU and GPU workers keeps its labels, but not the last digits of its probabilities.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from contracts.errors import ModelError
from contracts.model_card import KERAS_NAME, ModelCard
from inference_worker.faces.classify import calibrated


class KerasClassifier:
    """A Keras model on the first GPU. Raises ModelError if there is no GPU or no loadable model.

    require_gpu: tests set it to False to run on a CPU.
    """

    device = "gpu"

    def __init__(self, folder: Path, head: str = "", *, require_gpu: bool = True) -> None:
        import keras
        import tensorflow as tf

        if require_gpu and not tf.config.list_physical_devices("GPU"):
            raise ModelError(
                "TensorFlow finds no GPU", hint="Check the driver, or use --device cpu or auto"
            )
        self.card = ModelCard.read(folder, head)
        self._head = self.card.heads[self.card.record_head]
        try:
            model = keras.saving.load_model(folder / KERAS_NAME, compile=False)
            output = model.get_layer(self._head.output).output
            if model.input_shape[1:] != self.card.input_shape:
                raise ValueError(f"{KERAS_NAME} takes {model.input_shape[1:]}, not the card's size")
        except (ValueError, OSError) as exc:
            raise ModelError(f"model {self.card.id} cannot be loaded: {exc}") from exc
        network = keras.Model(model.inputs, output)
        # One graph is traced for each batch size, so batches are padded to powers of two. Without
        # training=False, the batch norms would use the batch's statistics, as in training.
        self._run = tf.function(lambda faces: network(faces, training=False))

    def classify(self, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Return [N, 7] probabilities of grey crops uint8 [N, side, side]; each row sums to 1."""
        if not len(crops):
            return np.empty((0, 7))
        padded = 1 << (len(crops) - 1).bit_length()
        faces = np.zeros((padded, *self.card.input_shape), np.uint8)
        faces[: len(crops)] = crops[..., None]
        return calibrated(np.asarray(self._run(faces))[: len(crops)], self._head)
