"""The place of a face in a frame, and where it turns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle: left, top, width and height, in pixels of the frame that its owner names."""

    x: float
    y: float
    w: float
    h: float

    def scaled(self, factor_x: float, factor_y: float) -> "Box":
        """Return the same rectangle in a frame scaled by these factors."""
        return Box(self.x * factor_x, self.y * factor_y, self.w * factor_x, self.h * factor_y)

    def iou(self, other: "Box") -> float:
        """Return the intersection over union, 0 to 1."""
        width = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        height = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        intersection = width * height
        return intersection / (self.w * self.h + other.w * other.h - intersection)


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where a face turns, in degrees; 0, 0, 0 looks at the viewer.

    roll: the head is tilted clockwise in the picture. yaw: the face turns to the right of the
    picture. pitch: it turns up. yaw and pitch are those of the head after it is turned upright.
    """

    roll: float
    yaw: float
    pitch: float
