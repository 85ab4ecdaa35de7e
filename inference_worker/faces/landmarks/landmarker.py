"""FaceLandmarker: MediaPipe's mesh of 478 points and its 52 blendshapes, on LiteRT.

The file is MediaPipe's `face_landmarker.task` (Apache-2.0), a zip of networks, which its owner
supplies. The mesh is of the face in one picture; it identifies nobody, and is not kept.
"""

import io
import zipfile
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contracts.frame_results import FaceShape
from contracts.geometry import Box
from inference_worker.faces.detectors.detection import Image, upright_window
from inference_worker.faces.landmarks.blendshapes import POINTS
from inference_worker.faces.landmarks.task_file import read_task
from runtime.logs import quiet_stderr

_SIDE: Final = 256
_REACH: Final = 1.5
"""Side of the mesh's crop, in sides of the face's box."""
_LEAST_PRESENCE: Final = 0.5
_EYES: Final = ((159, 145, 33, 133), (386, 374, 263, 362))
"""Upper lid, lower lid, outer and inner corner of each eye."""
_MOUTH: Final = (13, 14, 78, 308)
"""Inner edges of the upper and lower lip, and the inner corners."""
Points = npt.NDArray[np.float32]


class Landmarker(Protocol):
    """Reads the shape of a face."""

    def read(self, luma: Image, box: Box, roll: float) -> FaceShape | None:
        """Return the shape of the face in the box; None if the networks see no face there.

        luma: uint8 [height, width]. roll: of the head, in degrees clockwise.
        """


class FaceLandmarker:
    """The networks of a task file, on one CPU thread. Raises ModelError if it is not the file."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(io.BytesIO(read_task(path))) as networks:
            self._mesh = _runner(networks.read("face_landmarks_detector.tflite"))
            self._blendshapes = _runner(networks.read("face_blendshapes.tflite"))

    def read(self, luma: Image, box: Box, roll: float) -> FaceShape | None:
        """Return the shape of the face in the box; None if the networks see no face there."""
        pixels = upright_window(luma, box, roll, _REACH, _SIDE).pixels
        grey = pixels.astype(np.float32) / 255.0
        mesh, presence, *_ = self._mesh(np.repeat(grey[None, ..., None], 3, axis=-1))
        if float(presence.ravel()[0]) < _LEAST_PRESENCE:
            return None
        points = mesh.reshape(-1, 3)[:, :2]
        (shares,) = self._blendshapes(points[None, POINTS, :])
        return FaceShape(
            eye_openness=round(float(np.mean([_openness(points, eye) for eye in _EYES])), 4),
            mouth_openness=round(_openness(points, _MOUTH), 4),
            blendshapes=tuple(np.clip(shares.ravel(), 0.0, 1.0).astype(np.float32).tolist()),
        )


def _openness(points: Points, edges: tuple[int, int, int, int]) -> float:
    """Return the gap between two edges divided by the distance of the corners, at most 1."""
    upper, lower, one, other = (points[place] for place in edges)
    width = float(np.linalg.norm(one - other))
    return min(float(np.linalg.norm(upper - lower)) / max(width, 1e-6), 1.0)


def _runner(network: bytes) -> Any:
    """Return a function from the network's input to the list of its outputs."""
    with quiet_stderr():
        interpreter = Interpreter(model_content=network, num_threads=1)
        interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]
    outputs = [one["index"] for one in interpreter.get_output_details()]

    def run(values: npt.NDArray[np.float32]) -> list[Points]:
        interpreter.set_tensor(place, values.astype(np.float32))
        interpreter.invoke()
        return [np.asarray(interpreter.get_tensor(one)) for one in outputs]

    return run
