"""Head pose: where a face turns, from five points of it. Pure.

POS with a mean face: DeMenthon & Davis, "Model-based object pose in 25 lines of code", IJCV 15
(1995). Under scaled orthographic projection, the picture's two axes are linear in the points.
benchmarks/head_pose measures the angles on faces of known pose; the result is in
docs/reference/model-measurements.md.
"""

import math
from dataclasses import dataclass
from operator import mul
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
        [-0.5, -0.512, 0.157],
        [0.5, -0.512, 0.157],
        [0.0, 0.017, -0.377],
        [-0.406, 0.503, 0.032],
        [0.406, 0.503, 0.032],
    ]
)
"""The five points of a face that looks at the viewer, in distances of the eyes: x to the right, y
down, z away from the viewer. The mean of 2,728 faces of FER2013; z is such that the yaw is right on
average for views turned by up to 80 degrees."""

_PITCH_SHOWN: Final = 0.31
_LEVEL: Final = -0.031
"""The tangent of the pitch in these points is this part of the true one, and this much off."""

_WEIGHTS: Final[list[list[float]]] = np.linalg.pinv(_MEAN_FACE - _MEAN_FACE.mean(axis=0)).tolist()
"""The least-squares solution: three weights of each point, for the axes x, y and z of the face."""


def head_pose(points: FacePoints, roll: float) -> tuple[float, float]:
    """Return yaw and pitch of the face, in degrees.

    yaw: positive if the face turns to the right of the picture. pitch: positive if it turns up; it
    is rough, as a nod moves the points little. roll: that of the face, in degrees clockwise; yaw
    and pitch are those of the head after it is turned upright.
    """
    found = (
        points.left_eye,
        points.right_eye,
        points.nose,
        points.left_mouth,
        points.right_mouth,
    )
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    upright = [(cos * x + sin * y, cos * y - sin * x) for x, y in found]
    a, b, c = _unit(_axis([x for x, _ in upright]))
    d, e, f = _unit(_axis([y for _, y in upright]))
    forward = a * e - b * d
    ahead = math.hypot(c, forward)
    pitch = math.atan2(f - _LEVEL * ahead, _PITCH_SHOWN * ahead)
    return math.degrees(math.atan2(-c, forward)), math.degrees(pitch)


def _axis(values: list[float]) -> list[float]:
    """Return one axis of the picture on the axes of the face; values: of the points along it."""
    return [sum(map(mul, row, values)) for row in _WEIGHTS]


def _unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]
