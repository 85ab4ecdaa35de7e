"""FrameResult: what the analysis says of one frame, before it is a row."""

from dataclasses import dataclass

from contracts.geometry import Box


@dataclass(frozen=True, slots=True)
class FaceResult:
    """One face in one frame. `box` is in display pixels of the source.

    probabilities: 7, calibrated, in EXPRESSIONS order. emotion: None when uncertain.
    smoothed_*: the same over the track's recent time. quality: 0 (useless) to 1.
    """

    track_id: int
    box: Box
    probabilities: tuple[float, ...]
    emotion: str | None
    confidence: float
    smoothed_emotion: str | None
    smoothed_confidence: float
    quality: float


@dataclass(frozen=True, slots=True)
class FrameResult:
    """One analysed frame. dwell_ms: gap to the previous analysed frame, at most 1000.

    faces: sorted by track_id.
    """

    seq: int
    frame_index: int
    media_time_us: int
    captured_at_us: int
    dwell_ms: int
    faces: tuple[FaceResult, ...] = ()
