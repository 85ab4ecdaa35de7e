"""Runs whose rows a test lists one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert, select

from contracts.analysis_spec import AnalysisOptions
from contracts.expressions import EXPRESSIONS
from contracts.runs import RunKind, RunState
from contracts.times import utc_now
from records.runs.file_job import FileJob
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FILE_JOB = FileJob(
    uri="/videos/a.mp4",
    content_hash="a" * 64,
    source="a.mp4",
    source_given=False,
    sampling_fps=None,
    detector="haar-alt2/1",
    model_version="model@1",
    options=AnalysisOptions(0.4, None, 24, 1280),
)
"""The analysis of a recording, to be queued."""


@dataclass(frozen=True)
class FaceSpec:
    """A face to write. emotion: its raw and its smoothed label; None is uncertain.

    pose: roll, yaw and pitch.
    """

    track_id: int
    emotion: str | None
    quality: float = 0.9
    pose: tuple[float, float, float] | None = None


def write_run(
    engine: Engine,
    run_id: str,
    frames: Mapping[int, Sequence[FaceSpec]],
    *,
    source: str = "door",
    state: RunState = RunState.DONE,
    gap_ms: int = 100,
    claimed_by: str | None = None,
) -> int:
    """Write a run whose frame n is at n * gap_ms; return its key. The first frame dwells 0 ms."""
    with engine.begin() as connection:
        source_pk = connection.execute(select(Source.id).where(Source.name == source)).scalar()
        if source_pk is None:
            source_pk = connection.execute(
                insert(Source)
                .values(name=source, kind=RunKind.FILE, created_at=START)
                .returning(Source.id)
            ).scalar_one()
        run_pk = connection.execute(
            insert(Run)
            .values(
                run_id=run_id,
                source_pk=source_pk,
                identity=run_id,
                kind=RunKind.FILE,
                uri=f"/videos/{run_id}.mp4",
                content_hash="0" * 64,
                detector="haar-alt2/1",
                model_version="model@1",
                options=FILE_JOB.stored_options(),
                state=state,
                recorded_at=START,
                duration_us=(max(frames, default=0) + 1) * gap_ms * 1000,
                frames_total=len(frames),
                queued_at=START,
                claimed_by=claimed_by,
                claim_expires_at=utc_now() + timedelta(hours=1) if claimed_by else None,
            )
            .returning(Run.id)
        ).scalar_one()
        faces = [(n, one) for n, many in frames.items() for one in many]
        connection.execute(
            insert(RunProgress).values(
                run_pk=run_pk,
                frames_captured=len(frames) + 2,
                frames_analyzed=len(frames),
                faces=len(faces),
                dropped='{"corrupt": 2}',
                last_media_time_us=max(frames, default=0) * gap_ms * 1000,
            )
        )
        previous, rows = None, []
        for n, many in frames.items():
            rows.append(
                {
                    "run_pk": run_pk,
                    "frame_index": n,
                    "media_time_us": n * gap_ms * 1000,
                    "captured_at": START + timedelta(milliseconds=n * gap_ms),
                    "dwell_ms": 0 if previous is None else min((n - previous) * gap_ms, 1000),
                    "face_count": len(many),
                }
            )
            previous = n
        if rows:
            connection.execute(insert(Frame), rows)
        if faces:
            connection.execute(insert(Face), [_face(run_pk, n, one) for n, one in faces])
            connection.execute(
                insert(Track),
                [
                    {
                        "run_pk": run_pk,
                        "track_id": track_id,
                        "first_frame_index": min(n for n, one in faces if one.track_id == track_id),
                        "last_frame_index": 0,
                        "first_media_time_us": 0,
                        "last_media_time_us": 0,
                        "faces": 1,
                    }
                    for track_id in sorted({one.track_id for _, one in faces})
                ],
            )
    return run_pk


def _face(run_pk: int, frame_index: int, one: FaceSpec) -> dict[str, object]:
    shares = dict.fromkeys(EXPRESSIONS, 0.04) | {one.emotion or "sad": 0.76}
    return {
        "run_pk": run_pk,
        "frame_index": frame_index,
        "track_id": one.track_id,
        "x": 10.5,
        "y": 20.0,
        "w": 80.0,
        "h": 81.5,
        "emotion": one.emotion,
        "confidence": 0.76,
        **shares,
        "smoothed_emotion": one.emotion,
        "smoothed_confidence": 0.7,
        "quality": one.quality,
        **dict(zip(("roll", "yaw", "pitch"), one.pose or (None,) * 3, strict=True)),
    }
