"""Stillness: how far a face's pixels have changed since it was first seen at its place. Pure.

A face that lives changes its shape: it blinks, speaks, turns. A picture of a face only moves as a
whole, with the camera, and becomes brighter or darker. So the face is compared as cells of mean
brightness, after the best shift and without the mean and the contrast of the whole.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.geometry import Box
from runtime.decoding.opencv import cv2

Image = npt.NDArray[np.uint8]
Cells = npt.NDArray[np.float64]

_CELLS: Final = 8
_CELL_PX: Final = 6
_SIDE_PX: Final = _CELLS * _CELL_PX
_REACH_PX: Final = 3
"""Largest shift, of 48 pixels: a camera that shakes moves a face less, a head often more."""
_SHIFTS: Final = 2 * _REACH_PX + 1
_WINDOW_PX: Final = _SIDE_PX + 2 * _REACH_PX
_LEAST_CONTRAST: Final = 4.0
"""Grey levels: below, noise would be all that is compared."""
_MOST_CHANGED: Final = 4
"""The change is the mean of so many cells: about those of the eyes, or of the mouth."""
_FOLLOW_US: Final = 1_000_000
_FOLLOW_S: Final = 10.0
_DECIMALS: Final = 3


def _corners() -> npt.NDArray[np.intp]:
    """Return the first pixel of each cell for each shift, as flat indexes: [shifts, cells]."""
    shifts = np.add.outer(np.arange(_SHIFTS) * _WINDOW_PX, np.arange(_SHIFTS)).ravel()
    starts = np.arange(_CELLS) * _CELL_PX
    cells = np.add.outer(starts * _WINDOW_PX, starts).ravel()
    return np.add.outer(shifts, cells)


_CORNERS: Final = _corners()


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """The difference between a face and its reference.

    amount: in standard deviations of the face's brightness. x, y: the shift in pixels of the luma.
    cells: the cells of the face at that shift.
    """

    amount: float
    x: float
    y: float
    cells: Cells


@dataclass(slots=True, eq=False)
class Reference:
    """How a face looked at its place: it follows slow changes, of the light or of the camera.

    x, y, side: the compared square in pixels of the luma, x and y of its centre. cells: float [64].
    followed_us: media time at which it last followed.
    """

    x: float
    y: float
    side: float
    cells: Cells
    followed_us: int

    @classmethod
    def of(cls, luma: Image, box: Box, time_us: int) -> "Reference":
        """Return the face in the box as it is now. luma: uint8 [height, width]."""
        x, y, side = box.x + box.w / 2, box.y + box.h / 2, max(box.w, box.h)
        cells = _cells(luma, x, y, side, _CORNERS[len(_CORNERS) // 2 :][:1])[0]
        return cls(x, y, side, cells.round(_DECIMALS), time_us)

    def holds(self, box: Box) -> bool:
        """Return whether a face in this box can be the face of this reference."""
        near = max(abs(box.x + box.w / 2 - self.x), abs(box.y + box.h / 2 - self.y))
        ratio = max(box.w, box.h) / self.side
        return near < _NEAR * self.side and 1 / _ALIKE < ratio < _ALIKE

    def change(self, luma: Image) -> Change:
        """Return how much the face differs now."""
        cells = _cells(luma, self.x, self.y, self.side)
        best = int(((cells - self.cells) ** 2).sum(axis=1).argmin())
        down, right = divmod(best, _SHIFTS)
        off = np.abs(_unexplained(self.cells - cells[best], cells, down, right))
        amount = float(np.partition(off, -_MOST_CHANGED)[-_MOST_CHANGED:].mean())
        pixel = self.side / _SIDE_PX
        return Change(amount, (right - _REACH_PX) * pixel, (down - _REACH_PX) * pixel, cells[best])

    def follow(self, change: Change, time_us: int) -> None:
        """Move towards how the face is now, at most once a second."""
        elapsed_us = time_us - self.followed_us
        if 0 <= elapsed_us < _FOLLOW_US:
            return
        step = 1 - math.exp(-max(elapsed_us, 0) / 1e6 / _FOLLOW_S)
        self.x += step * change.x
        self.y += step * change.y
        self.cells = (self.cells + step * (change.cells - self.cells)).round(_DECIMALS)
        self.followed_us = time_us

    def state(self) -> dict[str, Any]:
        """Return the reference as JSON values."""
        return {
            "x": self.x,
            "y": self.y,
            "side": self.side,
            "cells": self.cells.tolist(),
            "followed_us": self.followed_us,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> "Reference":
        """Return the reference with this `state`."""
        return cls(**(state | {"cells": np.array(state["cells"])}))


_ALONG, _ACROSS = (
    part.ravel() for part in np.meshgrid(*2 * [np.linspace(-1, 1, _CELLS)], indexing="ij")
)
_RIDGE: Final = 0.01
_NEAR: Final = 0.35
_ALIKE: Final = 1.5


def _unexplained(off: Cells, shifted: Cells, y: int, x: int) -> Cells:
    """Return what is left of a difference without what moves and lights a picture as a whole.

    Less than a pixel of shift, turn and zoom, and light that falls off to one side, are linear in
    the cells' slopes and places: least squares (after Lucas and Kanade, 1981). shifted: [49, 64].
    y, x: the shift at which `off` is the difference.
    """
    cells = shifted[y * _SHIFTS + x]
    right = _slope(shifted[y * _SHIFTS : (y + 1) * _SHIFTS], x)
    down = _slope(shifted[x::_SHIFTS], y)
    parts = np.stack(
        (
            right,
            down,
            right * _ACROSS + down * _ALONG,
            right * _ALONG - down * _ACROSS,
            cells,
            cells * _ACROSS,
            cells * _ALONG,
            _ACROSS,
            _ALONG,
            np.ones(_CELLS * _CELLS),
        )
    )
    square = parts @ parts.T
    square.flat[:: len(parts) + 1] += _RIDGE
    found: Cells = off - np.linalg.solve(square, parts @ off) @ parts
    return found


def _slope(shifted: Cells, at: int) -> Cells:
    """Return the change of the cells with each pixel of shift. shifted: [7, 64]."""
    before, after = max(at - 1, 0), min(at + 1, _SHIFTS - 1)
    slope: Cells = (shifted[after] - shifted[before]) / (after - before)
    return slope


def _cells(
    luma: Image, x: float, y: float, side: float, corners: npt.NDArray[np.intp] = _CORNERS
) -> Cells:
    """Return the cells of the square for each shift, [49, 64], with mean 0 and deviation 1."""
    sums = cv2.boxFilter(
        _window(luma, x, y, side * _WINDOW_PX / _SIDE_PX),
        cv2.CV_32F,
        (_CELL_PX, _CELL_PX),
        anchor=(0, 0),
        borderType=cv2.BORDER_REPLICATE,
    )
    cells = np.asarray(sums, np.float64).ravel()[corners]
    cells -= cells.mean(axis=1, keepdims=True)
    contrast = np.sqrt((cells * cells).mean(axis=1, keepdims=True))
    return np.asarray(cells / np.maximum(contrast, _LEAST_CONTRAST), np.float64)


def _window(luma: Image, x: float, y: float, span: float) -> Image:
    """Return the square of `span` pixels around (x, y) as [54, 54]; its edge repeats outside."""
    size = (_WINDOW_PX, _WINDOW_PX)
    left, top, n = round(x - span / 2), round(y - span / 2), max(round(span), 1)
    height, width = luma.shape
    if n >= _WINDOW_PX and left >= 0 and top >= 0 and left + n <= width and top + n <= height:
        part = luma[top : top + n, left : left + n]
        return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = span / _WINDOW_PX
    # OpenCV counts from the middle of the first pixel.
    matrix = np.array(
        [
            [scale, 0, x - span / 2 + scale / 2 - 0.5],
            [0, scale, y - span / 2 + scale / 2 - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(luma, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
