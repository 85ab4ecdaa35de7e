"""SceneCells: a picture as cells of mean brightness, which show whether anything in it moved. Pure.

A search of a whole picture that looks as it did at the last search would find the same faces. A
person who comes in changes the cells of face, hair and body.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from contracts.geometry import Box
from runtime.decoding.opencv import cv2

Image = npt.NDArray[np.uint8]

_CELLS: Final = 32
"""Cells along the longer side: the smallest face of a thorough search covers half of one."""
_MOVED: Final = 3
"""Grey levels by which a cell changes if something moves in it; noise and compression change the
mean of a cell by one or two."""
_AROUND: Final = 1.5
"""A followed face may move: cells within so many sides of its box do not count."""


@dataclass(frozen=True, slots=True, eq=False)
class SceneCells:
    """The cells of one picture at a media time, uint8 [rows, columns]."""

    cells: Image
    time_us: int

    @classmethod
    def of(cls, luma: Image, time_us: int) -> Self:
        """Return the cells of a picture. luma: uint8 [height, width]."""
        height, width = luma.shape
        scale = _CELLS / max(height, width)
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        return cls(np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA)), time_us)

    def looks_like(self, earlier: "SceneCells", luma: Image, followed: Iterable[Box]) -> bool:
        """Return whether nothing but the followed faces has moved. luma: the picture of `self`.

        followed: boxes in pixels of the luma.
        """
        if self.cells.shape != earlier.cells.shape:
            return False
        moved = np.abs(self.cells.astype(np.int16) - earlier.cells) > _MOVED
        rows, columns = self.cells.shape
        down, across = rows / luma.shape[0], columns / luma.shape[1]
        for box in followed:
            x, y = box.x + box.w / 2, box.y + box.h / 2
            reach_x, reach_y = _AROUND * box.w / 2, _AROUND * box.h / 2
            left, right = int((x - reach_x) * across), int((x + reach_x) * across)
            top, bottom = int((y - reach_y) * down), int((y + reach_y) * down)
            moved[max(top, 0) : max(bottom + 1, 0), max(left, 0) : max(right + 1, 0)] = False
        return not moved.any()

    def state(self) -> dict[str, Any]:
        """Return the cells as JSON values."""
        return {
            "columns": self.cells.shape[1],
            "cells": base64.b64encode(self.cells.tobytes()).decode(),
            "time_us": self.time_us,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Return the cells with this `state`."""
        flat = np.frombuffer(base64.b64decode(state["cells"]), np.uint8)
        return cls(flat.reshape(-1, state["columns"]), state["time_us"])
