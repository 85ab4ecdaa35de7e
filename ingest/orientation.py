"""Which way up a picture is: a display matrix as a transposition and two mirrorings."""

import struct
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

_MATRIX: Final = struct.Struct("=9i")


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight ways a picture can be stored, as what makes it upright.

    First the transposition, then the mirrorings, left to right and top to bottom.
    """

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Self:
        """The nearest quarter turn of a 3x3 fixed-point matrix, row by row, native order.

        The matrix takes (x, y) to (a x + c y, b x + d y). Anything else than a matrix is
        taken as upright.
        """
        if len(matrix) != _MATRIX.size:
            return cls()
        a, b, _, c, d, *_ = _MATRIX.unpack(matrix)
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    @classmethod
    def from_rotation(cls, degrees: float) -> Self:
        """The nearest quarter turn of `degrees`, counter-clockwise as PyAV has them."""
        turns = round(degrees / 90) % 4
        return cls(turns in (1, 3), turns in (2, 3), turns in (1, 2))

    @property
    def rotation(self) -> int:
        """Degrees clockwise: 0, 90, 180 or 270. A mirrored picture's mirroring comes after."""
        if self.transposed:
            return 90 if self.mirrored_x else 270
        return 180 if self.mirrored_y else 0

    def upright(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A view of `picture`, shaped (rows, columns), the right way up."""
        if self.transposed:
            picture = picture.T
        if self.mirrored_x:
            picture = picture[:, ::-1]
        if self.mirrored_y:
            picture = picture[::-1]
        return picture
