"""A detection network in LiteRT, checked against its card."""

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contracts.errors import ModelError
from inference_worker.faces.detectors.network_files import NetworkCard
from runtime.logs import quiet_stderr

Floats = npt.NDArray[np.float32]


class Network:
    """A network of one picture. Its outputs have the names of its signature, or of its tensors.

    files: as read_network returns them; several networks can share them. Raises ModelError if
    LiteRT cannot read them.
    """

    def __init__(self, files: tuple[NetworkCard, bytes]) -> None:
        self.card, weights = files
        try:
            with quiet_stderr():
                self._interpreter = Interpreter(model_content=weights, num_threads=1)
                self._input = int(self._interpreter.get_input_details()[0]["index"])
                self._outputs = _outputs(self._interpreter)
        except (ValueError, RuntimeError) as exc:
            raise ModelError(f"detector {self.card.id} cannot be loaded: {exc}") from exc
        self._shape: tuple[int, ...] = ()

    def __call__(self, picture: Floats) -> dict[str, Floats]:
        """Return the outputs by name. picture: float32 [height, width, channels]."""
        if picture.shape != self._shape:
            with quiet_stderr():  # A banner, at the first allocation.
                self._interpreter.resize_tensor_input(self._input, (1, *picture.shape))
                self._interpreter.allocate_tensors()
            self._shape = picture.shape
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        return {
            name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()
        }


def _outputs(interpreter: Interpreter) -> dict[str, int]:
    """Return the index of each output tensor by its name."""
    if interpreter.get_signature_list():
        details = interpreter.get_signature_runner().get_output_details()
        return {name: int(one["index"]) for name, one in details.items()}
    return {one["name"]: int(one["index"]) for one in interpreter.get_output_details()}
