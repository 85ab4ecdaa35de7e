"""LiteRtModel: the raw logits of an artifact, for calibration, evaluation and teachers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from runtime.logs import quiet_stderr
from training.data.dataset import resized

BATCH = 64


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

    def logits(self, faces: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Return logits [n, 7] by output name, for faces uint8 [n, side, side, 3] of any side."""
        faces = resized(faces, self.side)
        parts = [self._run(faces=faces[i : i + BATCH]) for i in range(0, len(faces), BATCH)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
