"""MediaFreshness: whether a network source sends new media, or what it has sent before.

Servers whose camera is gone go on with its last picture, or leave their last playlist as it is.
Both look like a live source, but nothing that they show is happening. See docs/decisions/0044.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

FROZEN_S: Final = 10.0
"""Seconds of one and the same picture after which a source is frozen."""
SAME_PICTURE: Final = f"frozen: it has sent the same picture for {FROZEN_S:.0f} s"
SAME_MEDIA: Final = "frozen: it repeats what it sent before"

_FIRST_FRAMES: Final = 100
_NEWEST_FRAMES: Final = 5_000


@dataclass(frozen=True, slots=True)
class PacketMark:
    """The properties by which packets are compared.

    digest: of its bytes. pts: ticks. is_picture: whether it holds a whole picture, for which no
    other packet is needed. is_replayable: whether the source gives the same pts when the same
    media is read again.
    """

    digest: int
    pts: int | None
    is_picture: bool
    is_replayable: bool


class MediaFreshness:
    """Judges the frames of one source, over all its connections. Times in monotonic seconds.

    A frame is old if all frames for FROZEN_S had the same whole picture, to the byte. A scene in
    which nothing moves is different: sensors have noise, and video codecs number their frames. In a
    playlist or a file, a frame is also old if an earlier connection gave the same bytes at the same
    time, or if such a repetition has not yet reached the time up to which it was read.

    reason: why the last frame is old; empty if it is new.
    """

    def __init__(self) -> None:
        self._picture: int | None = None
        self._same_since_s = 0.0
        self._earlier: frozenset[int] = frozenset()
        self._first: list[int] = []
        self._newest: deque[int] = deque(maxlen=_NEWEST_FRAMES)
        self._is_repetition = False
        self._reached_pts: int | None = None
        self.reason = ""

    def begin_connection(self) -> None:
        """Note that the next frames come from another connection."""
        self._earlier = frozenset([*self._first, *self._newest])
        self._is_repetition = False
        self.reason = ""

    def is_new(self, mark: PacketMark, now_s: float) -> bool:
        """Return whether the frame of a packet is new."""
        self.reason = ""
        if mark.is_replayable and self._repeats(mark):
            self.reason = SAME_MEDIA
        elif not (mark.is_picture and mark.digest == self._picture):
            self._picture, self._same_since_s = (mark.digest if mark.is_picture else None), now_s
        elif now_s - self._same_since_s >= FROZEN_S:
            self.reason = SAME_PICTURE
        return not self.reason

    def _repeats(self, mark: PacketMark) -> bool:
        key = hash((mark.digest, mark.pts))
        reached = self._reached_pts
        is_read = mark.pts is not None and reached is not None and mark.pts <= reached
        if key in self._earlier or (self._is_repetition and is_read):
            self._is_repetition = True
            return True
        self._is_repetition = False
        if len(self._first) < _FIRST_FRAMES:
            self._first.append(key)
        self._newest.append(key)
        self._reached_pts = mark.pts
        return False
