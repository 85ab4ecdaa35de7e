"""FrameResult: the faces that the analysis found in one frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.geometry import Box, HeadPose


class TrackMark(StrEnum):
    """The mark of a track: why it does not count. Its rows are stored all the same."""

    PERSON = ""
    TENTATIVE = "tentative"
    """Seen in one frame only, although frames come often."""
    STATIC = "static"
    """A face that does not live: a poster, a photo, a doll."""

    @property
    def counts(self) -> bool:
        """Whether trends, person-seconds and counts include the track."""
        return self is TrackMark.PERSON


@dataclass(frozen=True, slots=True)
class FaceShape:
    """The shape of a face in one frame, from its landmarks.

    eye_openness, mouth_openness: gap between lids or lips, divided by the width between the
    corners, 0..1. blendshapes: 52 of 0..1, in the order of landmarks.blendshapes.NAMES.
    """

    eye_openness: float
    mouth_openness: float
    blendshapes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FaceResult:
    """One face in one frame.

    box: in display pixels of the source. probabilities: 7, calibrated, in the order of
    EXPRESSIONS. emotion: the expression, None if uncertain. confidence: the largest probability.
    smoothed_*: the same, smoothed over the track. quality: from 0, unusable, to 1. mark: that
    of its track as of this frame. pose: None if the detector does not show it. shape: None unless
    the run reads landmarks.
    """

    track_id: int
    box: Box
    probabilities: tuple[float, ...]
    emotion: str | None
    confidence: float
    smoothed_emotion: str | None
    smoothed_confidence: float
    quality: float
    mark: TrackMark = TrackMark.PERSON
    pose: HeadPose | None = None
    shape: FaceShape | None = None


@dataclass(frozen=True, slots=True)
class LabelRevision:
    """The final smoothed label of a face of an earlier frame.

    frame_index, track_id: the face. smoothed_emotion: None if uncertain.
    """

    frame_index: int
    track_id: int
    smoothed_emotion: str | None
    smoothed_confidence: float


@dataclass(frozen=True, slots=True)
class FrameResult:
    """One analysed frame.

    seq, frame_index, media_time_us, captured_at_us: as in FrameMessage. dwell_ms: the time that the
    frame stands for, in whole milliseconds of media time. dwells_ahead: whether it is the time
    after the frame, as in a recording, and not the time before it. faces: sorted by track_id.
    marks: the tracks whose mark changed with this frame, whether or not it shows their face.
    revisions: the faces of this and earlier frames whose label became final with it.
    """

    seq: int
    frame_index: int
    media_time_us: int
    captured_at_us: int
    dwell_ms: int
    faces: tuple[FaceResult, ...] = ()
    dwells_ahead: bool = False
    marks: Mapping[int, TrackMark] = field(default_factory=dict)
    revisions: tuple[LabelRevision, ...] = ()
