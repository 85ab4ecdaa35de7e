"""CentredReading: the final label of each face of a recording, from readings around it.

A recording does not have to be labelled at once. A face's row is stored with the causal label, and
gets its final one when the frames of half a window after it were analysed; the run's end makes the
last ones final. What is final depends on frames only, and the state is bounded: readings are kept
in slots of an eighth of a second, so that its size and the labels do not depend on the frame rate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FrameResult, LabelRevision
from inference_worker.faces.quality import LEAST_QUALITY
from inference_worker.faces.tracks import LOST_AFTER_US

SLOT_US: Final = 125_000
_RECENT_SLOTS: Final = LOST_AFTER_US // SLOT_US

Reading = tuple[float, ...]
"""A track's sums in a slot: of qualities, and of quality times probability [7]."""


@dataclass(slots=True)
class _PendingFrame:
    """A frame whose faces have no final label yet.

    faces: (track_id, readable) of each. slot: of its media time.
    """

    frame_index: int
    slot: int
    faces: list[tuple[int, bool]]


@dataclass(slots=True)
class CentredReading:
    """The readings of one run around its frames that are not final, frame by frame in order.

    window_s: width of the window. label: returns the label of probabilities, None if uncertain.
    """

    window_s: float
    label: Callable[[Sequence[float]], str | None]
    _pending: list[_PendingFrame] = field(default_factory=list)
    _slots: dict[int, dict[int, Reading]] = field(default_factory=dict)
    _newest: int = 0

    @property
    def _reach(self) -> int:
        """Slots of the window before, and after, the one of a face."""
        return round(self.window_s * 1e6 / 2 / SLOT_US)

    def state(self) -> dict[str, Any]:
        """Return the state that later labels depend on, as JSON values."""
        return {
            "newest": self._newest,
            "pending": [[one.frame_index, one.slot, one.faces] for one in self._pending],
            "slots": [
                [track_id, slot, *reading]
                for track_id, slots in self._slots.items()
                for slot, reading in slots.items()
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from this `state`."""
        self._newest = state["newest"]
        self._pending = [
            _PendingFrame(index, slot, [(track_id, readable) for track_id, readable in faces])
            for index, slot, faces in state["pending"]
        ]
        self._slots = {}
        for track_id, slot, *reading in state["slots"]:
            self._slots.setdefault(track_id, {})[slot] = tuple(reading)

    def add(self, frame: FrameResult) -> tuple[LabelRevision, ...]:
        """Add the next frame; return the labels that it makes final, in order of frames.

        A face that cannot be read, and was not read within a second, keeps the label it has: none.
        """
        slot = frame.media_time_us // SLOT_US
        final: list[LabelRevision] = []
        if slot < self._newest:
            # Media time went back: what comes now is not after what was.
            final += self.finish()
            self._pending, self._slots = [], {}
        self._newest = slot
        faces = []
        for face in frame.faces:
            readable = face.quality >= LEAST_QUALITY
            faces.append((face.track_id, readable))
            if readable:
                self._read(face.track_id, slot, face.quality, face.probabilities)
        if faces:
            self._pending.append(_PendingFrame(frame.frame_index, slot, faces))
        done = 0
        while done < len(self._pending) and self._pending[done].slot + self._reach < slot:
            done += 1
        final += self._final(self._pending[:done])
        self._pending = self._pending[done:]
        self._forget(self._pending[0].slot if self._pending else slot)
        return tuple(final)

    def finish(self) -> tuple[LabelRevision, ...]:
        """Return the labels of all other faces, as if no frame followed. Changes nothing."""
        return tuple(self._final(self._pending))

    def _read(self, track_id: int, slot: int, quality: float, probabilities: Reading) -> None:
        slots = self._slots.setdefault(track_id, {})
        before = slots.get(slot, (0.0,) * (1 + len(EXPRESSIONS)))
        new = (quality, *(quality * one for one in probabilities))
        slots[slot] = tuple(old + one for old, one in zip(before, new, strict=True))

    def _final(self, frames: Sequence[_PendingFrame]) -> Iterator[LabelRevision]:
        found: dict[tuple[int, int], npt.NDArray[np.float64] | None] = {}
        for frame in frames:
            for track_id, readable in frame.faces:
                place = (track_id, frame.slot)
                if place not in found:
                    found[place] = self._window(track_id, frame.slot)
                probabilities = found[place]
                if probabilities is not None and (readable or self._recently_read(*place)):
                    values = probabilities.tolist()
                    label = self.label(values)
                    yield LabelRevision(frame.frame_index, track_id, label, max(values))

    def _window(self, track_id: int, slot: int) -> npt.NDArray[np.float64] | None:
        """Return the probabilities of a track around a slot [7]; None without readings."""
        slots, reach = self._slots.get(track_id, {}), self._reach
        near = [slots[one] for one in range(slot - reach, slot + reach + 1) if one in slots]
        if not near:
            return None
        sums = np.array(near)
        return window_probabilities(sums[:, 1:] / sums[:, :1])

    def _recently_read(self, track_id: int, slot: int) -> bool:
        slots = self._slots.get(track_id, {})
        return any(one in slots for one in range(slot - _RECENT_SLOTS, slot + _RECENT_SLOTS + 1))

    def _forget(self, slot: int) -> None:
        """Drop the readings that no frame from this slot on can need."""
        earliest = slot - max(self._reach, _RECENT_SLOTS)
        for track_id, slots in list(self._slots.items()):
            for one in [one for one in slots if one < earliest]:
                del slots[one]
            if not slots:
                del self._slots[track_id]


def window_probabilities(readings: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the median of readings [n, 7], each expression by itself, scaled to sum 1.

    A median does not average an expression with the one that follows it: it changes where half of
    the window has changed, so that onsets stay where they are.
    """
    middle = np.median(readings, axis=0)
    return np.asarray(middle / middle.sum())
