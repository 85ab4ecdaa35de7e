"""StillPlaces: the places at which faces are, and how long each has looked the same.

A place outlives its tracks: a picture that is lost and found again is not still from the beginning
each time, and one that is known to be static is so at first sight.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from contracts.geometry import Box
from inference_worker.faces.stillness import Image, Reference

ALIVE: Final = 0.15
"""A larger change is life; a face that talks or listens shows one every few seconds."""
VERY_STILL: Final = 0.07
"""A picture changes no more, but for much noise or compression, or a camera that shakes."""
STATIC_AFTER_US: Final = 60_000_000
"""So long a face must be still to be static."""
VERY_STILL_AFTER_US: Final = 15_000_000
"""So long, if it is very still."""
_LOOK_EVERY_US: Final = 200_000
"""A blink takes as long; comparing more often would only cost time."""
_FIRST_LOOK_US: Final = 1_000_000
"""So long after a change the face is compared again: most faces are alive, and looks cost time."""
_LEAST_LOOKS: Final = 15
_GLITCHES: Final = 3
"""A static face is alive after so many changed frames in a row: a broken frame is not life."""
_MOST_PLACES: Final = 32
_MOST_TRACKS: Final = 32
_FORGOTTEN_AFTER_US: Final = 60_000_000
_NO_TRACK: Final = 0


@dataclass(slots=True, eq=False)
class StillPlace:
    """One place.

    seen_us, looked_us: media times of the last face here, and of the last that was compared.
    tracks: those that were only seen unchanged, the latest _MOST_TRACKS. track_id: the track whose
    face is here, or _NO_TRACK. still_us, looks: how long and how often the face was seen unchanged.
    change, largest: that of the last of these looks, and the largest. changes: changed looks in a
    row.
    """

    reference: Reference
    seen_us: int
    looked_us: int
    tracks: list[int]
    track_id: int
    still_us: int = 0
    looks: int = 1
    change: float = 0.0
    largest: float = 0.0
    changes: int = 0
    static: bool = False

    def add_track(self, track_id: int) -> None:
        """Bind the place to this track."""
        self.track_id = track_id
        if track_id not in self.tracks:
            self.tracks = [*self.tracks, track_id][-_MOST_TRACKS:]

    def forget_track(self, track_id: int) -> None:
        """Never mark this track with the place."""
        self.tracks = [one for one in self.tracks if one != track_id]

    def replace_track(self, before: int, track_id: int) -> None:
        """Bind the place to a track that continues another here."""
        self.forget_track(before)
        self.add_track(track_id)

    def is_due(self, time_us: int) -> bool:
        """Return whether the face is to be compared."""
        due_us = _FIRST_LOOK_US if self.looks == 1 else _LOOK_EVERY_US
        return abs(time_us - self.looked_us) >= due_us

    def note_seen(self, time_us: int, elapsed_us: int) -> None:
        """Count a frame with the face. elapsed_us: since the frame before it."""
        if self.seen_us == time_us - elapsed_us:
            self.still_us += elapsed_us
        self.seen_us = time_us

    def note_look(self, change: float, time_us: int) -> None:
        """Count a comparison that found the face unchanged."""
        self.looked_us = time_us
        self.looks += 1
        self.changes, self.change = 0, change
        self.largest = max(self.largest, change)
        after_us = VERY_STILL_AFTER_US if self.largest <= VERY_STILL else STATIC_AFTER_US
        self.static |= self.still_us >= after_us and self.looks >= _LEAST_LOOKS


@dataclass(frozen=True, slots=True)
class Seen:
    """One face at its place. changed_us: the time in which it changed; 0 if it did not."""

    place: StillPlace
    changed_us: int


@dataclass(slots=True)
class StillPlaces:
    """The places of one run, at most _MOST_PLACES."""

    _places: list[StillPlace] = field(default_factory=list)
    _time_us: int = 0
    _elapsed_us: int = 0

    def begin_frame(self, time_us: int, elapsed_us: int) -> None:
        """Begin the frame at this media time, elapsed_us after the frame before.

        Places unseen for a minute are forgotten, static ones only when there are too many.
        """
        self._time_us, self._elapsed_us = time_us, elapsed_us
        self._places = [
            one
            for one in self._places
            if one.static or abs(time_us - one.seen_us) <= _FORGOTTEN_AFTER_US
        ]

    def look(self, luma: Image, track_id: int, box: Box) -> Seen:
        """Compare a track's face with its place, or find it a place. box: in pixels of the luma."""
        place = next((one for one in self._places if one.track_id == track_id), None)
        if place is not None and self._stays(place, luma, box):
            return Seen(place, 0)
        changed_us = 0 if place is None else max(self._time_us - place.looked_us, 1)
        known = self._known(luma, box, place)
        if place is not None:
            self._leave(place, alive=known is None and place.reference.holds(box))
        if known is None:
            now_us = self._time_us
            known = StillPlace(Reference.of(luma, box, now_us), now_us, now_us, [], track_id)
            known.add_track(track_id)
            self._add(known)
        elif place is None:
            known.add_track(track_id)
        else:  # The track was elsewhere before: it is not wholly of this place.
            known.track_id = track_id
        return Seen(known, changed_us)

    def _stays(self, place: StillPlace, luma: Image, box: Box) -> bool:
        """Return whether the face is unchanged, or static and this may be a glitch."""
        if self._is_unchanged(place, luma, box):
            return True
        place.changes += 1
        place.looked_us = self._time_us if place.static else place.looked_us
        if not place.static or place.changes >= _GLITCHES:
            return False
        place.seen_us = self._time_us
        return True

    def _leave(self, place: StillPlace, *, alive: bool) -> None:
        """Unbind a place from its track. A picture stays known, unless it came to life."""
        place.track_id, place.changes = _NO_TRACK, 0
        if alive or not place.static:
            self._places.remove(place)

    def _known(self, luma: Image, box: Box, but: StillPlace | None) -> StillPlace | None:
        """Return another place that shows this face, static ones first."""
        for one in sorted(self._places, key=lambda one: not one.static):
            free = one is not but and (one.seen_us != self._time_us or one.track_id == _NO_TRACK)
            if free and self._is_unchanged(one, luma, box):
                return one
        return None

    def _is_unchanged(self, place: StillPlace, luma: Image, box: Box) -> bool:
        """Compare the face with the place's, if that is due, and count it if it is the same."""
        if not place.reference.holds(box):
            return False
        bound = place.seen_us == self._time_us - self._elapsed_us
        if not bound or place.is_due(self._time_us):
            change = place.reference.change(luma)
            if change.amount > ALIVE:
                return False
            place.reference.follow(change, self._time_us)
            place.note_seen(self._time_us, self._elapsed_us)
            place.note_look(change.amount, self._time_us)
        else:
            place.note_seen(self._time_us, self._elapsed_us)
        return True

    def _add(self, place: StillPlace) -> None:
        self._places.append(place)
        if len(self._places) > _MOST_PLACES:
            self._places.remove(min(self._places, key=lambda one: (one.static, one.seen_us)))

    def state(self) -> list[dict[str, Any]]:
        """Return the places as JSON values."""
        return [
            {
                **{name: getattr(one, name) for name in _PLAIN},
                "reference": one.reference.state(),
            }
            for one in self._places
        ]

    @classmethod
    def restore(cls, state: list[dict[str, Any]]) -> "StillPlaces":
        """Return the places with this `state`."""
        return cls(
            [
                StillPlace(**(one | {"reference": Reference.restore(one["reference"])}))
                for one in state
            ]
        )


_PLAIN: Final = (
    "seen_us",
    "looked_us",
    "tracks",
    "track_id",
    "still_us",
    "looks",
    "change",
    "largest",
    "changes",
    "static",
)
