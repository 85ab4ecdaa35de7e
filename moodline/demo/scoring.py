"""The demo's score: the expressions that were read, compared with those that were scripted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from analytics.export.record_pages import Selection, record_pages
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from moodline.analysis.report import FileReport
from moodline.demo.scenes import FPS, Actor, Scene, Segment

MIN_SEGMENT_S: Final = 2.0
"""Shorter segments are not scored, because even a person would not be sure of them."""


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A stored face. x, y: centre of its box, in pixels."""

    time_s: float
    track_id: int
    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class SegmentScore:
    """One scripted segment, and the label that most of its faces have. share: of them, 0..1."""

    scene: str
    person: str
    segment: Segment
    read: str
    share: float

    @property
    def correct(self) -> bool:
        return self.read == self.segment.emotion


@dataclass(frozen=True, slots=True)
class SceneScore:
    """One clip compared with its script.

    tracks, seen: for each actor, the track ids, and the share of its frames in which the face was
    found. strays: faces that were found where no actor was.
    """

    scene: Scene
    segments: tuple[SegmentScore, ...]
    tracks: tuple[tuple[int, ...], ...]
    seen: tuple[float, ...]
    strays: int


def score_scenes(
    engine: Engine, played: Sequence[Scene], reports: Sequence[FileReport]
) -> list[SceneScore]:
    """Compare the rows of each clip with its script."""
    scores = []
    for scene, report in zip(played, reports, strict=True):
        assert report.summary is not None
        scores.append(score_scene(scene, stored_faces(engine, report.summary.run_id)))
    return scores


def stored_faces(engine: Engine, run_id: str) -> list[StoredFace]:
    """Return every face of a run, in the order of its frames."""
    return [
        StoredFace(
            time_s=row.media_time_us / 1e6,
            track_id=row.face.track_id,
            x=row.face.x + row.face.w / 2,
            y=row.face.y + row.face.h / 2,
            label=row.face.smoothed_emotion or UNCERTAIN,
        )
        for page in record_pages(engine, Selection(run_ids=(run_id,)))
        for row in page
        if row.face is not None
    ]


def score_scene(scene: Scene, faces: Sequence[StoredFace]) -> SceneScore:
    """Compare a clip with its script. A face belongs to the actor in whose face its centre is."""
    by_actor: list[list[StoredFace]] = [[] for _ in scene.actors]
    strays = 0
    for face in faces:
        owner = next((i for i, a in enumerate(scene.actors) if _is_of(a, face)), None)
        if owner is None:
            strays += 1
        else:
            by_actor[owner].append(face)
    return SceneScore(
        scene=scene,
        segments=tuple(
            _segment_score(scene, actor, segment, own)
            for actor, own in zip(scene.actors, by_actor, strict=True)
            for segment in actor.segments
            if segment.end_s - segment.start_s >= MIN_SEGMENT_S
        ),
        tracks=tuple(tuple(dict.fromkeys(r.track_id for r in own)) for own in by_actor),
        seen=tuple(
            len(own) / max(1, round((actor.leaves_s - actor.enters_s) * FPS))
            for actor, own in zip(scene.actors, by_actor, strict=True)
        ),
        strays=strays,
    )


def _is_of(actor: Actor, face: StoredFace) -> bool:
    if not actor.in_view(face.time_s + 1e-6):
        return False
    pose = actor.pose(face.time_s)
    return max(abs(face.x - pose.x), abs(face.y - pose.y)) < pose.side / 2


def _segment_score(
    scene: Scene, actor: Actor, segment: Segment, own: Sequence[StoredFace]
) -> SegmentScore:
    labels = Counter(
        r.label for r in own if segment.start_s <= r.time_s + 1e-6 < segment.end_s
    ).most_common()
    read, count = labels[0] if labels else ("nothing", 0)
    total = sum(n for _, n in labels)
    return SegmentScore(scene.name, actor.person, segment, read, count / total if total else 0.0)


def correct_expressions(scores: Sequence[SceneScore]) -> list[str]:
    """Return the expressions that were read correctly in every segment that scripts them."""
    segments = [segment for score in scores for segment in score.segments]
    return [
        emotion
        for emotion in EXPRESSIONS
        if all(s.correct for s in segments if s.segment.emotion == emotion)
    ]
