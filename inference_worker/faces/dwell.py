"""The dwell of a frame: the time that it stands for, in whole milliseconds of media time.

Of a recording it is the time after the frame, which the reader knows; of a live source the time
since the frame before, because the next one is not there yet. See docs/decisions/0038.
"""

from contracts.frames import FrameMessage


def dwell_ms(frame: FrameMessage, previous_us: int | None) -> int:
    """Return the frame's dwell. previous_us: media time of the frame before; None for the first.

    Both ends are cut to whole milliseconds, and not their distance: so the dwells of frames that
    follow each other add up to the time that they cover, at any frame rate.
    """
    at_us = frame.media_time_us
    if frame.dwell_us is not None:
        return (at_us + frame.dwell_us) // 1000 - at_us // 1000
    if previous_us is None:
        return 0
    gap_us = min(max(at_us - previous_us, 0), frame.dwell_limit_us)
    return at_us // 1000 - (at_us - gap_us) // 1000
