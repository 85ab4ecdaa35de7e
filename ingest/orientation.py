"""Orientation: how a stored frame is turned upright."""

import struct
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

_MATRIX: Final = struct.Struct("=9i")


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways to turn a stored frame upright.

    The transposition comes first, then the mirroring of x (left to right) and y (top to bottom).
    """

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Self:
        """Return the quarter turn nearest to a 3x3 fixed-point matrix, row by row, native order.

        The matrix maps (x, y) to (a x + c y, b x + d y). Bytes of another length mean upright.
        """
        if len(matrix) != _MATRIX.size:
            return cls()
        a, b, _, c, d, *_ = _MATRIX.unpack(matrix)
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @classmethod
    def from_rotation(cls, degrees: float) -> Self:
        """Return the quarter turn nearest to `degrees`, counter-clockwise as in PyAV."""
        turns = round(degrees / 90) % 4
        return cls(turns in (1, 3), turns in (2, 3), turns in (1, 2))

    def then(self, other: Self) -> Self:
        """Return the orientation that turns a picture as this one does, and then as `other`."""
        x, y = self.mirrored_x, self.mirrored_y
        if other.transposed:
            x, y = y, x
        return type(self)(
            self.transposed != other.transposed, x != other.mirrored_x, y != other.mirrored_y
        )

    @property
    def rotation(self) -> int:
        """Clockwise degrees: 0, 90, 180 or 270, before any mirroring."""
        if self.transposed:
            return 90 if self.mirrored_x else 270
        return 180 if self.mirrored_y else 0

    def upright(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return an upright view of a stored picture, both of shape (rows, columns)."""
        if self.transposed:
            picture = picture.T
        if self.mirrored_x:
            picture = picture[:, ::-1]
        if self.mirrored_y:
            picture = picture[::-1]
        return picture
