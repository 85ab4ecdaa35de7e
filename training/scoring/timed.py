"""Scores of video readings against labelled intervals: by frame, by segment, over time. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from contracts.expressions import EXPRESSIONS, LABELS, UNCERTAIN
from contracts.geometry import Box
from training.calibration import ECE_BINS

_LEAST_EPISODE_US: Final = 500_000
"""Shorter episodes count as label changes, not as episodes."""
_GAP_US: Final = 1_000_000
"""A track that is away for longer begins another episode, and its label did not change there."""


@dataclass(frozen=True, slots=True)
class TimedFace:
    """A face in a frame. time_us, dwell_us: media time, and the time that it stands for.

    label: an expression or uncertain. confidence: of the label, or of the best expression.
    x, y: its centre in display pixels. best: the frame's own best expression, without smoothing;
    best_confidence: its probability. Both are empty and 0 for a face that cannot be read.
    """

    time_us: int
    dwell_us: int
    track_id: int
    label: str
    confidence: float
    x: float
    y: float
    best: str = ""
    best_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class LabelledInterval:
    """A time with a known expression. area: the person is in it; None: anybody is meant."""

    start_us: int
    end_us: int
    expression: str
    area: Box | None = None

    def holds(self, face: TimedFace) -> bool:
        """Return whether the face belongs to the interval."""
        if not self.start_us <= face.time_us < self.end_us:
            return False
        area = self.area
        return area is None or (
            area.x <= face.x <= area.x + area.w and area.y <= face.y <= area.y + area.h
        )


@dataclass(frozen=True, slots=True)
class SegmentScore:
    """One labelled interval. read: the label with most time in it, "" without a face.

    share: of the interval's face time with the right label.
    """

    start_s: float
    end_s: float
    expression: str
    read: str
    share: float


@dataclass(frozen=True, slots=True)
class ClipScore:
    """The scores of one or more clips.

    labelled_s: face time in labelled intervals. accuracy: of it with the right label, uncertain
    counting as wrong; certain_accuracy: without uncertain time. uncertain: its share.
    mean_recall: over the labelled expressions. confusion: seconds by labelled expression and label.
    segments_right: share of segments whose label with most time is right. episodes: stretches of
    one expression of half a second and more on one track, in labelled time; episodes_right: the
    share of them whose labelled time is mostly of that expression. changes_per_minute: of a
    track's label, uncertain included. ece: of the frames' own readings, with the confidence of
    the shown label ece_shown, each track with equal weight.
    """

    labelled_s: float
    accuracy: float
    certain_accuracy: float
    uncertain: float
    mean_recall: float
    recall: dict[str, float]
    confusion: dict[str, dict[str, float]]
    segments: tuple[SegmentScore, ...]
    segments_right: float
    episodes: int
    episodes_right: float
    tracks: int
    tracked_s: float
    changes_per_minute: float
    ece: float
    ece_shown: float


@dataclass(slots=True)
class ClipEvidence:
    """The counts of clips from which a score is computed; `add` the clips one by one."""

    _labelled: list[tuple[str, TimedFace, str]] = field(default_factory=list)
    _segments: list[SegmentScore] = field(default_factory=list)
    _episodes: list[bool] = field(default_factory=list)
    _changes: int = 0
    _tracked_us: int = 0
    _tracks: int = 0

    def add(
        self, clip: str, faces: Sequence[TimedFace], intervals: Sequence[LabelledInterval]
    ) -> None:
        """Add a clip: its faces in order of time, and its labelled intervals."""
        truth = {id(face): _truth(face, intervals) for face in faces}
        self._labelled += [
            (f"{clip}:{face.track_id}", face, truth[id(face)]) for face in faces if truth[id(face)]
        ]
        self._segments += [_segment(one, faces) for one in intervals]
        for own in _by_track(faces).values():
            self._tracks += 1
            self._tracked_us += sum(face.dwell_us for face in own)
            self._changes += sum(
                before.label != after.label
                for before, after in pairwise(own)
                if after.time_us - before.time_us <= _GAP_US
            )
            self._episodes += _episodes(own, truth)

    def score(self) -> ClipScore:
        """Return the scores of all clips together."""
        seconds = {truth: dict.fromkeys(LABELS, 0.0) for truth in {t for _, _, t in self._labelled}}
        for _, face, truth in self._labelled:
            seconds[truth][face.label] += face.dwell_us / 1e6
        confusion = {name: seconds[name] for name in EXPRESSIONS if name in seconds}
        total = sum(sum(row.values()) for row in confusion.values())
        right = sum(row[name] for name, row in confusion.items())
        unsure = sum(row[UNCERTAIN] for row in confusion.values())
        recall: dict[str, float] = {
            name: _ratio(row[name], sum(row.values()))
            for name, row in confusion.items()
            if sum(row.values())
        }
        minutes = self._tracked_us / 60e6
        return ClipScore(
            labelled_s=round(total, 3),
            accuracy=_ratio(right, total),
            certain_accuracy=_ratio(right, total - unsure),
            uncertain=_ratio(unsure, total),
            mean_recall=_ratio(sum(recall.values()), len(recall)),
            recall=recall,
            confusion={
                name: {label: round(value, 3) for label, value in row.items()}
                for name, row in confusion.items()
            },
            segments=tuple(self._segments),
            segments_right=_ratio(
                sum(one.read == one.expression for one in self._segments), len(self._segments)
            ),
            episodes=len(self._episodes),
            episodes_right=_ratio(sum(self._episodes), len(self._episodes)),
            tracks=self._tracks,
            tracked_s=round(self._tracked_us / 1e6, 3),
            changes_per_minute=round(self._changes / minutes, 2) if minutes else 0.0,
            ece=_track_ece(
                (track, face.dwell_us, face.best_confidence, face.best == truth)
                for track, face, truth in self._labelled
                if face.best
            ),
            ece_shown=_track_ece(
                (track, face.dwell_us, face.confidence, face.label == truth)
                for track, face, truth in self._labelled
                if face.label != UNCERTAIN
            ),
        )


def _truth(face: TimedFace, intervals: Sequence[LabelledInterval]) -> str:
    return next((one.expression for one in intervals if one.holds(face)), "")


def _segment(interval: LabelledInterval, faces: Sequence[TimedFace]) -> SegmentScore:
    times: dict[str, int] = {}
    for face in faces:
        if interval.holds(face):
            times[face.label] = times.get(face.label, 0) + face.dwell_us
    read = max(times, key=lambda label: times[label], default="")
    share = _ratio(times.get(interval.expression, 0), sum(times.values()))
    start_s, end_s = interval.start_us / 1e6, interval.end_us / 1e6
    return SegmentScore(start_s, end_s, interval.expression, read, share)


def _by_track(faces: Sequence[TimedFace]) -> dict[int, list[TimedFace]]:
    tracks: dict[int, list[TimedFace]] = {}
    for face in faces:
        tracks.setdefault(face.track_id, []).append(face)
    return tracks


def _episodes(faces: Sequence[TimedFace], truth: Mapping[int, str]) -> list[bool]:
    """Return for each episode of a track with labelled time whether it is right."""
    found: list[bool] = []
    own: list[TimedFace] = []
    for face in faces:
        if own and (face.label != own[0].label or face.time_us - own[-1].time_us > _GAP_US):
            found += _judged(own, truth)
            own = []
        own.append(face)
    return found + _judged(own, truth)


def _judged(faces: Sequence[TimedFace], truth: Mapping[int, str]) -> list[bool]:
    dwell_us = sum(face.dwell_us for face in faces)
    if not faces or faces[0].label == UNCERTAIN or dwell_us < _LEAST_EPISODE_US:
        return []
    labelled = [face for face in faces if truth[id(face)]]
    if not labelled:
        return []
    right = sum(face.dwell_us for face in labelled if truth[id(face)] == face.label)
    return [right > sum(face.dwell_us for face in labelled) / 2]


def _track_ece(rows: Iterable[tuple[str, int, float, bool]]) -> float:
    """Return the calibration error of (track, dwell_us, confidence, right), in 15 equal bins.

    Consecutive frames of a face are nearly one reading. So each track has the weight 1, and a
    frame the part of it that it is of the track's time; a long track does not hide the others.
    """
    values = list(rows)
    if not values:
        return 0.0
    totals: dict[str, int] = {}
    for track, dwell_us, _, _ in values:
        totals[track] = totals.get(track, 0) + dwell_us
    weights = np.array([dwell / max(totals[track], 1) for track, dwell, _, _ in values])
    confidence = np.array([one for _, _, one, _ in values])
    right = np.array([one for _, _, _, one in values], dtype=np.float64)
    bins = np.minimum((confidence * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    gaps = np.bincount(bins, weights=weights * (right - confidence), minlength=ECE_BINS)
    return round(float(np.abs(gaps).sum() / weights.sum()), 4)


def _ratio(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0
