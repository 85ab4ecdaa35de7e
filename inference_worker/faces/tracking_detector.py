"""TrackingDetector: follows known faces in small windows, and searches frames for new faces.

Searching a whole frame costs as much as following twenty faces. It is done at intervals: a quick
search for faces of usual size, a rarer and thorough one for small faces, and a quick search at once
when a face is lost. A search is put off while nothing has moved since the last one. At a high frame
rate, a steady face is not looked for in every frame, and predicted in between. Each detector has
its own schedule (SearchSchedule). What is due depends on media time and state only, never on load.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from contracts.geometry import Box
from contracts.zones.zone import Zones, admits
from inference_worker.faces.detectors.detection import Detection, Detector, Image, distinct
from inference_worker.faces.detectors.scene import SceneCells
from inference_worker.faces.tracks import SmoothedReading, Track, Tracker

_NEVER_US: Final = -(10**15)
_SHRUNK: Final = 0.75
"""A face is followed down to this part of the smallest face: it must not come and go."""
_FASTEST: Final = 1.0
"""A face that moves by more of its sides in a second is looked for in every frame."""


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face in a frame. box: the track's filtered box, in pixels of the frame's luma.

    held: nobody looked for it in this frame: it is not read either, and keeps its last reading.
    """

    track: Track
    box: Box
    held: bool = False


class TrackingDetector:
    """Detects and tracks the faces of one run, frame by frame in order.

    hold_us: a steady face is looked for again after this time; until then it is held. 0: no face is
    held, and those that the schedule predicts are read in every frame. looks: as `looks` returned
    them; None if they are not known.
    """

    def __init__(
        self,
        detector: Detector,
        state: dict[str, Any] | None = None,
        *,
        hold_us: int = 0,
        looks: Mapping[str, Any] | None = None,
    ) -> None:
        self._detector = detector
        self._schedule = detector.schedule
        self._hold_us = hold_us
        cells = (looks or {}).get("searched", {})
        self._searched = {key: SceneCells.restore(one) for key, one in cells.items()}
        self._tracker = Tracker.restore(state["tracker"]) if state else Tracker()
        self._quick_us: int = state["quick_us"] if state else _NEVER_US
        self._thorough_us: int = state["thorough_us"] if state else _NEVER_US
        # Checkpoints of version 0.1 have none.
        self._turned_us: int = (state or {}).get("turned_us", _NEVER_US)
        # Turned searches before the first face; None after it. Earlier versions do not count them.
        self._empty_turns: int | None = (state or {}).get("empty_turns", None if state else 0)

    def state(self) -> dict[str, Any]:
        """Return the state that the next frame's faces depend on, as JSON values."""
        return {
            "tracker": self._tracker.state(),
            "quick_us": self._quick_us,
            "thorough_us": self._thorough_us,
            "turned_us": self._turned_us,
            "empty_turns": self._empty_turns,
        }

    def looks(self) -> dict[str, Any]:
        """Return the rest of that state: how pictures looked, as JSON values."""
        if not self._searched:
            return {}
        return {"searched": {key: one.state() for key, one in self._searched.items()}}

    @property
    def readings(self) -> list[SmoothedReading]:
        """The reading of each track, in the order of the tracks in `state`."""
        return [track.reading for track in self._tracker.tracks]

    @property
    def pace_us(self) -> int | None:
        """The usual gap between frames; None before the second frame."""
        return self._tracker.pace_us

    @property
    def track_ids(self) -> frozenset[int]:
        """The tracks that are followed, also those whose face is not in the last frame."""
        return frozenset(track.track_id for track in self._tracker.tracks)

    def expects_search(self, time_us: int) -> bool:
        """Return whether a search is due at that media time, if nothing happens until then."""
        schedule = self._schedule
        quick_us = schedule.quick_us if self._tracker.tracks else schedule.idle_us
        waited = time_us - self._quick_us >= quick_us
        return waited or time_us - self._thorough_us >= schedule.thorough_us

    def renew(self, track: Track) -> None:
        """Give a track a new id: what follows is somebody else, or something else."""
        self._tracker.renew(track)

    def detect(
        self, luma: Image, time_us: int, min_side: float, zones: Zones = ()
    ) -> list[TrackedFace]:
        """Return the faces of the next frame, by track_id.

        luma: uint8 [height, width]. time_us: media time. min_side: smallest face, in its pixels.
        zones: faces outside of them are as if they were not there: no track follows them.
        """
        before_us = self._tracker.time_us
        self._tracker.predict(time_us)
        followed, lost = self._follow(luma, before_us)
        searched = self._search(luma, time_us, min_side, lost, len(followed))
        # A face that a search found goes before its prediction.
        faces_found = sorted(followed + searched, key=lambda one: one.predicted)
        counted = [one for one in faces_found if _counts(one.box, luma, min_side, zones)]
        counted = distinct(counted)
        tracks = self._tracker.update(counted)
        if tracks:
            self._empty_turns = None
        faces = [
            TrackedFace(track, track.motion.box, bool(self._hold_us) and face.predicted)
            for track, face in zip(tracks, counted, strict=True)
        ]
        return sorted(faces, key=lambda face: face.track.track_id)

    def _follow(self, luma: Image, before_us: int) -> tuple[list[Detection], list[Track]]:
        """Return the faces of the tracks that were found or predicted, and the lost tracks.

        Recently seen tracks come first: if two match one face, it is more likely theirs.
        """
        followed: list[Detection] = []
        lost: list[Track] = []
        for track in sorted(self._tracker.tracks, key=lambda t: (-t.seen_us, t.track_id)):
            expected, seen = Detection(track.motion.box, track.roll), track.seen_us >= before_us
            if seen and self._is_predictable(track, before_us):
                followed.append(replace(expected, predicted=True))
                continue
            face = self._detector.follow(luma, expected, closely=seen)
            if face is not None:
                followed.append(face)
            elif seen or self._is_due(self._quick_us, self._schedule.lost_us):
                lost.append(track)
        return followed, lost

    def _is_predictable(self, track: Track, before_us: int) -> bool:
        now_us = self._tracker.time_us
        if not self._hold_us:
            return track.certain and 0 < now_us - before_us <= self._schedule.predicted_us
        motion = track.motion
        steady = math.hypot(motion.vx, motion.vy) <= _FASTEST * motion.w
        return steady and track.again and 0 < now_us - track.looked_us < self._hold_us

    def _search(
        self, luma: Image, time_us: int, min_side: float, lost: list[Track], followed: int
    ) -> list[Detection]:
        """Return the faces of a whole-frame search, or none if no search is due."""
        schedule, longest = self._schedule, max(luma.shape)
        smallest = max(min_side, longest * schedule.thorough_fraction)
        if self._is_due(self._thorough_us, schedule.thorough_us):
            self._thorough_us = time_us
            if self._is_still("thorough", luma, schedule.thorough_still_us):
                return self._quick_search(luma, time_us, smallest, lost, followed)
            self._quick_us = time_us
            self._note_searched(luma, "thorough", "quick")
            found = self._detector.search(luma, smallest, thorough=True)
            if found or followed or not self._is_due(self._turned_us, self._turned_every_us):
                return found
            # Seldom, and only where no face is upright: four more searches.
            self._turned_us = time_us
            if self._empty_turns is not None:
                self._empty_turns += 1
            return self._detector.search_turned(luma, smallest)
        return self._quick_search(luma, time_us, smallest, lost, followed)

    def _quick_search(
        self, luma: Image, time_us: int, smallest: float, lost: list[Track], followed: int
    ) -> list[Detection]:
        schedule = self._schedule
        quick_us = schedule.quick_us if followed else schedule.idle_us
        if not lost and not self._is_due(self._quick_us, quick_us):
            return []
        self._quick_us = time_us
        if not lost and self._is_still("quick", luma, schedule.quick_still_us):
            return []
        self._note_searched(luma, "quick")
        usual = max(smallest, max(luma.shape) * schedule.quick_fraction)
        lost_side = min((track.motion.w for track in lost), default=usual)
        least = max(smallest, min(usual, lost_side * 0.8))
        return self._detector.search(luma, least, thorough=False)

    def _is_still(self, search: str, luma: Image, longest_us: int) -> bool:
        """Return whether nothing but the followed faces has moved since the last such search."""
        earlier, now_us = self._searched.get(search), self._tracker.time_us
        if earlier is None or not 0 <= now_us - earlier.time_us < longest_us:
            return False
        boxes = [track.motion.box for track in self._tracker.tracks]
        return SceneCells.of(luma, now_us).looks_like(earlier, luma, boxes)

    def _note_searched(self, luma: Image, *searches: str) -> None:
        if self._schedule.quick_still_us:
            cells = SceneCells.of(luma, self._tracker.time_us)
            self._searched |= dict.fromkeys(searches, cells)

    @property
    def _turned_every_us(self) -> int:
        """The time between turned searches: longer where nobody has ever been seen."""
        empty = max((self._empty_turns or 0) - 1, 0)
        return self._schedule.turned_us << min(empty, self._schedule.turned_doublings)

    def _is_due(self, last_us: int, every_us: int) -> bool:
        return abs(self._tracker.time_us - last_us) >= every_us


def _counts(box: Box, luma: Image, min_side: float, zones: Zones) -> bool:
    """Return whether a face is large enough, and its centre in the zones."""
    height, width = luma.shape
    large = max(box.w, box.h) >= _SHRUNK * min_side
    return large and admits(zones, (box.x + box.w / 2) / width, (box.y + box.h / 2) / height)
