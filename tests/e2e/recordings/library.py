"""A dashboard that accepts recordings, over records that the tests write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from contracts.expressions import EXPRESSIONS
from contracts.settings import Settings
from contracts.times import utc_now
from ingest.files.content_hash import read_content
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run
from records.uploads.uploads import MAX_CHUNK_BYTES, Uploads
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
        add_frames(connection, run_pk, dict(enumerate(times)), frames)


def add_frames(
    connection: Connection,
    run_pk: int,
    times_us: Mapping[int, int],
    places: Mapping[int, Sequence[int]],
) -> None:
    """Write frames to a run. times_us: by index. places: left edges of faces, by time."""
    read: dict[str, Any] = {
        **{"y": 100, "w": 50, "h": 50, "quality": 0.9, "smoothed_confidence": 0.7},
        **{"emotion": "happy", "confidence": 0.76, "smoothed_emotion": "happy"},
        **dict.fromkeys(EXPRESSIONS, 0.04),
        "happy": 0.76,
    }
    rows, faces = list[dict[str, Any]](), list[dict[str, Any]]()
    known = connection.execute(select(Track).where(Track.run_pk == run_pk)).mappings()
    tracks: dict[int, dict[str, Any]] = {one["track_id"]: {**one} for one in known}
    for index, at_us in times_us.items():
        at: dict[str, Any] = {"run_pk": run_pk, "frame_index": index}
        moment = {"media_time_us": at_us, "captured_at": utc_now(), "dwell_ms": 40}
        rows.append({**at, **moment, "face_count": len(places[at_us])})
        for track_id, x in enumerate(places[at_us], 1):
            faces.append({**at, **read, "track_id": track_id, "x": x})
            first = {"first_frame_index": index, "first_media_time_us": at_us}
            new = {"run_pk": run_pk, "track_id": track_id, **first, "faces": 0, "mark": ""}
            track = tracks.setdefault(track_id, new)
            track |= {"last_frame_index": index, "last_media_time_us": at_us}
            track["faces"] += 1
    connection.execute(insert(Frame), rows)
    if faces:
        connection.execute(insert(Face), faces)
        connection.execute(delete(Track).where(Track.run_pk == run_pk))
        connection.execute(insert(Track), list(tracks.values()))
