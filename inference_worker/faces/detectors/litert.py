"""A detection network in LiteRT, checked against its card."""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import ModelError
from runtime.logs import quiet_stderr

Floats = npt.NDArray[np.float32]

NETWORKS: Final = Path(__file__).parents[2] / "detectors"
_CARD: Final = "card.json"
_WEIGHTS: Final = "model.tflite"


class NetworkCard(BaseModel):
    """The card beside a detector's weights. sha256: of the weights file."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    sha256: str
    licence: str
    source: str


class Network:
    """A network of one picture. Its outputs have the names of its signature, or of its tensors.

    Raises ModelError if its files are missing, damaged, or not those of the card.
    """

    def __init__(self, folder: Path) -> None:
        self.card, weights = _read(folder)
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


def _read(folder: Path) -> tuple[NetworkCard, bytes]:
    try:
        card = NetworkCard.model_validate_json((folder / _CARD).read_bytes())
        weights = (folder / _WEIGHTS).read_bytes()
    except (OSError, ValidationError) as exc:
        raise ModelError(
            f"the detector in {folder} cannot be read: {exc}", hint="Install moodline again"
        ) from exc
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise ModelError(
            f"the weights in {folder} are not those of its card", hint="Install moodline again"
        )
    return card, weights


def _outputs(interpreter: Interpreter) -> dict[str, int]:
    """Return the index of each output tensor by its name."""
    if interpreter.get_signature_list():
        details = interpreter.get_signature_runner().get_output_details()
        return {name: int(one["index"]) for name, one in details.items()}
    return {one["name"]: int(one["index"]) for one in interpreter.get_output_details()}
