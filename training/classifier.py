"""Runs a LiteRT artifact over many faces, for reports and checks."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

BATCH = 64


class LiteRtModel:
    """A .tflite with a free batch dimension, on one thread."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(path), num_threads=1)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [out["index"] for out in self._interpreter.get_output_details()]

    def logits(self, faces: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        """One array of logits [n, 7] per output, of faces uint8 [n, 48, 48, 3]."""
        parts = [self._batch(faces[i : i + BATCH]) for i in range(0, len(faces), BATCH)]
        return [np.concatenate(rows) for rows in zip(*parts, strict=True)]

    def _batch(self, faces: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        self._interpreter.resize_tensor_input(self._input, faces.shape)
        self._interpreter.allocate_tensors()
        self._interpreter.set_tensor(self._input, faces)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
