"""TrackMarks: which tracks of a run are people, which were only glimpsed, and which are pictures.

A track seen in one frame is tentative, unless frames are so far apart that a person is not seen
twice. A face that stays as it is at one place is static, with all that was read of it there. Both
are decided from frames alone, and the state is bounded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.frame_results import TrackMark
from inference_worker.faces.still_places import StillPlace, StillPlaces
from inference_worker.faces.stillness import Image
from inference_worker.faces.tracking_detector import TrackedFace, TrackingDetector

SPARSE_US: Final = 1_500_000
"""If frames are further apart, one frame is all that may be seen of a person."""
_LIVED_US: Final = 5_000_000
"""A track whose face changed for so long is a person, even if it is still later."""


@dataclass(slots=True)
class _Life:
    """A living track. frames: 1, or 2 for more. changed_us: how long its face changed."""

    mark: TrackMark
    frames: int = 1
    changed_us: int = 0


@dataclass(frozen=True, slots=True)
class FrameMarks:
    """The marks after a frame: of each of its tracks, and those that changed, by track_id."""

    of_faces: Mapping[int, TrackMark]
    changed: Mapping[int, TrackMark]


@dataclass(slots=True)
class TrackMarks:
    """The marks of one run's tracks, frame by frame in order.

    keep_static: never call a face static; the run analyses pictures.
    """

    keep_static: bool
    _lives: dict[int, _Life] = field(default_factory=dict)
    _places: StillPlaces = field(default_factory=StillPlaces)
    _time_us: int | None = None
    _changed: dict[int, TrackMark] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """Return the state that the next frame's marks depend on, as JSON values."""
        return {
            "lives": [
                [i, life.mark, life.frames, life.changed_us] for i, life in self._lives.items()
            ],
            "places": self._places.state(),
            "time_us": self._time_us,
        }

    @classmethod
    def restore(cls, keep_static: bool, state: dict[str, Any] | None) -> "TrackMarks":
        """Return the marks with this `state`; None is that of a run that has none yet."""
        if state is None:
            return cls(keep_static)
        lives = {
            track_id: _Life(TrackMark(mark), frames, changed_us)
            for track_id, mark, frames, changed_us in state["lives"]
        }
        return cls(keep_static, lives, StillPlaces.restore(state["places"]), state["time_us"])

    def judge(
        self, luma: Image, time_us: int, detector: TrackingDetector, faces: Sequence[TrackedFace]
    ) -> FrameMarks:
        """Return the marks after the next frame.

        A face that is not what its track was so far gets a new track: a picture in front of which
        somebody steps, or somebody who leaves and shows a picture behind. luma: uint8
        [height, width]. faces: those in it, in pixels of the luma.
        """
        self._changed = {}
        elapsed_us = 0 if self._time_us is None else max(time_us - self._time_us, 0)
        self._count_frames(faces, detector)
        if not self.keep_static:
            self._find_static(luma, time_us, elapsed_us, detector, faces)
        self._time_us = time_us
        of_faces = {face.track.track_id: self._lives[face.track.track_id].mark for face in faces}
        changed, self._changed = self._changed, {}
        return FrameMarks(of_faces, changed)

    def _count_frames(self, faces: Sequence[TrackedFace], detector: TrackingDetector) -> None:
        pace_us = detector.pace_us
        often = pace_us is not None and pace_us <= SPARSE_US
        known = set(self._lives)
        for face in faces:
            track_id = face.track.track_id
            life = self._lives.setdefault(track_id, _Life(TrackMark.PERSON))
            if track_id in known:
                life.frames = 2
                if life.mark is TrackMark.TENTATIVE:
                    self._mark([track_id], TrackMark.PERSON)
        if often:
            glimpsed = [
                track_id
                for track_id, life in self._lives.items()
                if life.frames == 1 and life.mark is TrackMark.PERSON
            ]
            self._mark(glimpsed, TrackMark.TENTATIVE)
        followed = detector.track_ids
        self._lives = {i: life for i, life in self._lives.items() if i in followed}

    def _find_static(
        self,
        luma: Image,
        time_us: int,
        elapsed_us: int,
        detector: TrackingDetector,
        faces: Sequence[TrackedFace],
    ) -> None:
        self._places.begin_frame(time_us, elapsed_us)
        for face in faces:
            life = self._lives[face.track.track_id]
            seen = self._places.look(luma, face.track.track_id, face.box)
            life.changed_us += seen.changed_us
            if life.changed_us >= _LIVED_US:
                seen.place.forget_track(face.track.track_id)
            if seen.place.static and life.mark is not TrackMark.STATIC:
                self._call_static(seen.place, face, life, detector)
            elif life.mark is TrackMark.STATIC and not seen.place.static:
                self._renew(face, seen.place, TrackMark.PERSON, detector)

    def _call_static(
        self, place: StillPlace, face: TrackedFace, life: _Life, detector: TrackingDetector
    ) -> None:
        """Mark the tracks that were only seen still at the place.

        A person's track that has come to it ends there.
        """
        if life.changed_us >= _LIVED_US or (
            life.frames > 1 and face.track.track_id not in place.tracks
        ):
            self._renew(face, place, TrackMark.STATIC, detector)
        self._mark(place.tracks, TrackMark.STATIC)
        place.tracks = [face.track.track_id]

    def _renew(
        self, face: TrackedFace, place: StillPlace, mark: TrackMark, detector: TrackingDetector
    ) -> None:
        before = face.track.track_id
        detector.renew(face.track)
        del self._lives[before]
        self._lives[face.track.track_id] = _Life(TrackMark.PERSON, 2)
        place.replace_track(before, face.track.track_id)
        self._mark([face.track.track_id], mark)

    def _mark(self, track_ids: Iterable[int], mark: TrackMark) -> None:
        for track_id in track_ids:
            life = self._lives.get(track_id)
            if life is not None:
                if life.mark is mark:
                    continue
                life.mark = mark
            self._changed[track_id] = mark
