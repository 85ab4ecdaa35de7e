"""A dashboard that accepts recordings, over records that the tests write."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, insert, update

from contracts.expressions import EXPRESSIONS
from contracts.settings import Settings
from contracts.times import utc_now
from ingest.files.content_hash import read_content
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run
from records.uploads.uploads import MAX_CHUNK_BYTES, Uploads
from records.upsert import upsert_for_dialect
from serving.backend import Backend
from tests.rows import FaceSpec, write_run

HAPPY = FaceSpec(1, "happy")


@dataclass(frozen=True)
class Library:
    """A dashboard that accepts recordings, without services that analyse them."""

    engine: Engine
    settings: Settings
    uploads: Uploads
    backend: Backend
    address: str

    def begin(self, path: Path, *, received: int, error: str = "", run: str | None = None) -> str:
        """Upload the first `received` bytes, as a browser would. error, run: the result."""
        data = path.read_bytes()
        changed_ms = path.stat().st_mtime_ns // 1_000_000  # As browsers report it.
        mark = f"{path.name} {len(data)} {changed_ms}"
        line = self.uploads.start(path.name, len(data), mark, "")
        for at in range(0, received, MAX_CHUNK_BYTES):
            self.uploads.append(line.id, at, data[at : min(at + MAX_CHUNK_BYTES, received)])
        if error or run:
            self.uploads.set_result(line.id, run, error)
        return line.id

    def set_recording(self, run_id: str, path: Path) -> None:
        """Make the file the run's recording."""
        values = {"uri": str(path), "content_hash": read_content(path).digest}
        with self.engine.begin() as connection:
            connection.execute(update(Run).where(Run.run_id == run_id).values(values))


def write_faces(engine: Engine, run_id: str, frames: Mapping[int, Sequence[int]]) -> None:
    """Write a finished run. frames: left edges of faces, of 1000 pixels, by media time in us."""
    run_pk = write_run(engine, run_id, {})
    times = sorted(frames)
    with engine.begin() as connection:
        connection.execute(
            update(Run)
            .where(Run.id == run_pk)
            .values(display_width=1000, display_height=1000, duration_us=times[-1] + 40_000)
        )
        for index, at in enumerate(times):
            add_frame(connection.execute, run_pk, index, at, frames[at])


def add_frame(
    execute: Callable[..., object], run_pk: int, index: int, at_us: int, places: Sequence[int]
) -> None:
    execute(
        insert(Frame).values(
            run_pk=run_pk,
            frame_index=index,
            media_time_us=at_us,
            captured_at=utc_now(),
            dwell_ms=40,
            face_count=len(places),
        )
    )
    shares = dict.fromkeys(EXPRESSIONS, 0.04) | {"happy": 0.76}
    for track, x in enumerate(places, 1):
        place = {"x": x, "y": 100, "w": 50, "h": 50, "quality": 0.9}
        read = {"emotion": "happy", "confidence": 0.76, "smoothed_emotion": "happy"}
        execute(
            insert(Face).values(
                run_pk=run_pk,
                frame_index=index,
                track_id=track,
                smoothed_confidence=0.7,
                **place,
                **read,
                **shares,
            )
        )
        ends = {"last_frame_index": index, "last_media_time_us": at_us}
        begins = {"first_frame_index": index, "first_media_time_us": at_us}
        execute(
            upsert_for_dialect("sqlite", Track)
            .values(run_pk=run_pk, track_id=track, **begins, **ends, faces=1)
            .on_conflict_do_update(
                index_elements=["run_pk", "track_id"], set_=ends | {"faces": Track.faces + 1}
            )
        )
