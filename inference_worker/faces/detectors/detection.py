"""Detection: a face as a detector finds it, and the interface of detectors."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from contracts.geometry import Box, HeadPose
from inference_worker.faces.detectors.head_pose import FacePoints, Point, head_pose
from inference_worker.faces.detectors.schedule import SearchSchedule
from runtime.decoding.opencv import cv2

Image = npt.NDArray[np.uint8]

_SAME_FACE: Final = 0.5
_SIDE: Final = 1.8
"""Side of the box, in units of hypot(distance of the eyes, eyes to mouth): the model's framing."""
_DOWN: Final = 0.232
"""The box's centre, on the way from between the eyes to the mouth."""


@dataclass(frozen=True, slots=True, order=True)
class Detection:
    """A face. box: an upright square, or a cascade's box, in pixels of the searched luma.

    roll: degrees, clockwise in the picture, by which the head is tilted; 0 if it is not known.
    yaw, pitch: as head_pose returns them; None if the detector gives no points, and roll is then
    not known. They do not count when detections are compared. predicted: no detector has looked
    for it in this frame.
    """

    box: Box
    roll: float = 0.0
    yaw: float | None = field(default=None, compare=False)
    pitch: float | None = field(default=None, compare=False)
    predicted: bool = field(default=False, compare=False)

    @property
    def pose(self) -> HeadPose | None:
        """The pose, rounded to a tenth of a degree; None if it is not known."""
        if self.yaw is None or self.pitch is None:
            return None
        # A sum with 0 turns -0.0 into 0.0.
        return HeadPose(*(round(angle, 1) + 0.0 for angle in (self.roll, self.yaw, self.pitch)))


class Detector(Protocol):
    """Finds faces. Runs are pinned to its `id`: another id may find other faces."""

    @property
    def id(self) -> str: ...

    @property
    def schedule(self) -> SearchSchedule: ...

    def search(self, luma: Image, min_side: float, *, thorough: bool) -> list[Detection]:
        """Return the faces of at least `min_side` pixels, sorted.

        luma: uint8 [height, width]. thorough: find smaller faces too; it takes longer.
        """

    def search_turned(self, luma: Image, min_side: float) -> list[Detection]:
        """Return the faces of heads that lie or are tilted far; empty if it cannot find them."""

    def follow(self, luma: Image, expected: Detection, *, closely: bool = True) -> Detection | None:
        """Return the face near the expected box, of about its size and roll; None if it is lost.

        closely: it was in the last frame; a face that was not is worth less time.
        """


def detection_from_points(points: FacePoints) -> Detection:
    """Return the face of these points, with its pose.

    The roll is that of the sum of the eyes' direction and of the direction from eyes to mouth,
    turned by a right angle: a head in profile shortens the first, an open mouth lengthens the
    second.
    """
    left_eye, right_eye, mouth = points.left_eye, points.right_eye, points.mouth
    eyes = (right_eye[0] - left_eye[0], right_eye[1] - left_eye[1])
    middle = ((left_eye[0] + right_eye[0]) / 2, (left_eye[1] + right_eye[1]) / 2)
    down = (mouth[0] - middle[0], mouth[1] - middle[1])
    side = _SIDE * math.hypot(*eyes, *down)
    roll = math.degrees(math.atan2(eyes[1] - down[0], eyes[0] + down[1]))
    x, y = middle[0] + _DOWN * down[0], middle[1] + _DOWN * down[1]
    box = Box(x - side / 2, y - side / 2, side, side)
    return Detection(box, roll, *head_pose(points, roll))


def distinct(found: Iterable[Detection]) -> list[Detection]:
    """Return the faces in sorted order, without those that an earlier one covers."""
    kept: list[Detection] = []
    for one in found:
        if not any(same_face(one.box, other.box) for other in kept):
            kept.append(one)
    return sorted(kept)


def same_face(one: Box, other: Box) -> bool:
    """Return whether the boxes share half of the smaller one.

    No detector here finds a face of which half is covered by another.
    """
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    smaller = min(one.w * one.h, other.w * other.h)
    return width > 0 and height > 0 and width * height > _SAME_FACE * smaller


def scaled(image: Image, scale: float, interpolation: int) -> Image:
    """Return the image made smaller by `scale`; as it is if `scale` is 1 or more."""
    if scale >= 1.0:
        return np.ascontiguousarray(image)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def shrunk(image: Image, scale: float) -> Image:
    """Return the image made smaller by `scale`, each pixel the mean of those that it covers.

    Exact halves come first: OpenCV averages them ten times as fast as other ratios.
    """
    height, width = image.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    while size[0] * 2 < image.shape[1] and size[1] * 2 < image.shape[0]:
        even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
        half = (even.shape[1] // 2, even.shape[0] // 2)
        image = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
    if scale >= 1.0 or image.shape == size[::-1]:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class Window:
    """A square part of a picture, turned upright: where it is, and how its points map back.

    matrix: 2x3, from a point of the window to one of the picture; both count from the outer corner
    of the first pixel, as boxes do.
    """

    pixels: Image
    matrix: npt.NDArray[np.float64]

    def point(self, x: float, y: float) -> Point:
        """Return where a point of the window is in the picture."""
        (a, b, c), (d, e, f) = self.matrix.tolist()
        return a * x + b * y + c, d * x + e * y + f

    def detection(self, found: Detection, roll: float) -> Detection:
        """Return a face of the window as one of the picture. roll: that of the window."""
        scale = math.hypot(*self.matrix[:, 0])
        side = found.box.w * scale
        x, y = self.point(found.box.x + found.box.w / 2, found.box.y + found.box.h / 2)
        turned = (found.roll + roll + 180) % 360 - 180
        return replace(found, box=Box(x - side / 2, y - side / 2, side, side), roll=turned)


def upright_window(luma: Image, box: Box, roll: float, reach: float, side: int) -> Window:
    """Return the square of `reach` times the box's side around it, turned by `roll`.

    Its pixels are [side, side]; those outside the picture repeat its edge.
    """
    span = max(box.w, box.h) * reach
    scale = span / side
    cos, sin = math.cos(math.radians(roll)) * scale, math.sin(math.radians(roll)) * scale
    x, y = box.x + box.w / 2, box.y + box.h / 2
    half = side / 2
    matrix = np.array(
        [[cos, -sin, x - half * (cos - sin)], [sin, cos, y - half * (sin + cos)]], np.float64
    )
    return Window(_warped(luma, matrix, (x, y), span, side), matrix)


def _warped(
    luma: Image, matrix: npt.NDArray[np.float64], centre: Point, span: float, side: int
) -> Image:
    """Return the pixels of a window. A large one is shrunk by averaging before it is turned."""
    radius = span * math.sqrt(0.5) + 2
    height, width = luma.shape
    left, right = (_within(centre[0] + off, width) for off in (-radius, radius))
    top, bottom = (_within(centre[1] + off, height) for off in (-radius, radius))
    if left == right or top == bottom:
        return np.zeros((side, side), np.uint8)
    part = shrunk(luma[top:bottom, left:right], side / span)
    x, y = part.shape[1] / (right - left), part.shape[0] / (bottom - top)
    # OpenCV counts from the middle of the first pixel.
    onto_part = matrix * [[x], [y]]
    onto_part[:, 2] += onto_part[:, :2].sum(axis=1) / 2 - 0.5 - [left * x, top * y]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(part, onto_part, (side, side), flags=flags, borderMode=border))


def _within(value: float, limit: int) -> int:
    return min(max(round(value), 0), limit)
