"""PictureDamage: the frames of a stream that cannot be trusted after a loss.

A decoder fills what it cannot decode from the frames before, and predicts the next frames from
that: the smear stays until a key frame. The frames in which it did so are marked, those that only
inherit it are not, and are as wrong (docs/decisions/0044).
"""

from fractions import Fraction
from typing import Final

from av.video.frame import PictureType, VideoFrame

LONGEST_DAMAGE_S: Final = 10
"""Seconds without new damage after which frames are trusted again where no key frame comes.

Streams without key frames redraw their pictures part by part, within a few seconds.
"""


class PictureDamage:
    """Decides for each frame, in presentation order, whether damage can show in it.

    From the first frame in which the decoder concealed damage, or the first after a lost packet,
    until the next key frame that is whole. A frame to which no other refers damages none.
    time_base: seconds per tick of the frames' PTS.
    """

    def __init__(self, time_base: Fraction | None) -> None:
        self._ticks = None if not time_base else LONGEST_DAMAGE_S / time_base
        self._is_damaged = False
        self._since: int | None = None

    def note_loss(self) -> None:
        """Note that a packet to which frames may refer did not decode."""
        self._is_damaged, self._since = True, None

    def is_in(self, frame: VideoFrame, *, is_reference: bool) -> bool:
        """Return whether damage can show in the frame. is_reference: others may refer to it."""
        if frame.is_corrupt:
            if is_reference:
                self._is_damaged, self._since = True, frame.pts
            return True
        if is_key_picture(frame):
            self._is_damaged = False
        elif self._is_damaged and self._ticks and frame.pts is not None:
            self._since = frame.pts if self._since is None else self._since
            # A step back of the times is a new beginning, not a long time without damage.
            self._is_damaged = frame.pts - self._since < self._ticks
        return self._is_damaged


def is_key_picture(frame: VideoFrame) -> bool:
    """Return whether the frame is a whole key frame.

    Both signs are needed: recovery points and periodic refresh are marked as key frames too.
    """
    return frame.key_frame and frame.pict_type == PictureType.I and not frame.is_corrupt
