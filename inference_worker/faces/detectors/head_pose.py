"""Head pose: where a face turns, from five points of it. Pure.

POS with a mean face: DeMenthon & Davis, "Model-based object pose in 25 lines of code", IJCV 15
(1995). Under scaled orthographic projection, the picture's two axes are linear in the points. How
far the angles are right is measured in docs/model.md.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FacePoints:
    """Five points of a face. left, right: as the picture shows an upright face."""

    left_eye: Point
    right_eye: Point
    nose: Point
    left_mouth: Point
    right_mouth: Point

    @property
    def mouth(self) -> Point:
        """The middle of the corners of the mouth."""
        (x, y), (other_x, other_y) = self.left_mouth, self.right_mouth
        return (x + other_x) / 2, (y + other_y) / 2


_MEAN_FACE: Final = np.array(
    [
        [-0.5, -0.512, 0.199],
        [0.5, -0.512, 0.199],
        [0.0, 0.017, -0.479],
        [-0.406, 0.503, 0.041],
        [0.406, 0.503, 0.041],
    ]
)
"""The five points of a face that looks at the viewer, in distances of the eyes: x to the right, y
down, z away from the viewer. The mean of 2,728 faces of FER2013 (benchmarks/head_pose.py)."""

_WEIGHTS: Final[list[list[float]]] = np.linalg.pinv(_MEAN_FACE - _MEAN_FACE.mean(axis=0)).tolist()
"""The least-squares solution: three weights of each point, for the axes x, y and z of the face."""


def head_pose(points: FacePoints, roll: float) -> tuple[float, float]:
    """Return yaw and pitch of the face, in degrees.

    yaw: positive if the face turns to the right of the picture. pitch: positive if it turns up.
    roll: that of the face, in degrees clockwise; yaw and pitch are those of the upright head.
    """
    found = (
        points.left_eye,
        points.right_eye,
        points.nose,
        points.left_mouth,
        points.right_mouth,
    )
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    across = [sum(w * (cos * x + sin * y) for w, (x, y) in zip(row, found)) for row in _WEIGHTS]
    down = [sum(w * (cos * y - sin * x) for w, (x, y) in zip(row, found)) for row in _WEIGHTS]
    a, b, c = _unit(across)
    d, e, f = _unit(down)
    forward = a * e - b * d
    return math.degrees(math.atan2(-c, forward)), math.degrees(
        math.atan2(f, math.hypot(c, forward))
    )


def _unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]
