"""The files that moodline stores for recordings on this host: uploads and annotated copies."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, select

from analytics.export.atomic_files import is_part, remove_abandoned_parts
from contracts.settings import Settings
from records.database import reading
from records.tables.runs import Run
from records.uploads.room import Room
from records.uploads.uploads import Uploads
from runtime.files.free_space import FreeSpace


def uploads_of(settings: Settings, engine: Engine) -> Uploads:
    """Return the uploads, with the folder and the limits of the settings."""
    return Uploads(
        engine,
        settings.uploads_path,
        round(settings.max_upload_gb * 1e9),
        settings.keep_uploads_days if settings.keep_uploads_days >= 0 else None,
        Room(
            FreeSpace(settings.min_free_bytes),
            round(settings.upload_quota_gb * 1e9),
            round(settings.user_upload_quota_gb * 1e9),
        ),
    )


def annotated_path(settings: Settings, run_id: str) -> Path:
    """Return where the annotated copy of a run is, or would be."""
    return _annotated_folder(settings) / f"{run_id}.mp4"


def delete_recording_files(settings: Settings, engine: Engine, run_ids: Sequence[str]) -> None:
    """Delete the annotated copies of these runs, and the uploads whose run was erased."""
    for run_id in run_ids:
        annotated_path(settings, run_id).unlink(missing_ok=True)
    uploads_of(settings, engine).remove_expired()


def delete_old_copies(settings: Settings, engine: Engine, now: datetime) -> int:
    """Delete annotated copies past the uploads' age limit, or of erased runs; return how many."""
    deleted, folder = 0, _annotated_folder(settings)
    remove_abandoned_parts(folder)
    for copy in folder.glob("*.mp4"):
        if is_part(copy):  # It is being drawn.
            continue
        with reading(engine) as connection:
            run = connection.execute(select(Run.id).where(Run.run_id == copy.stem)).first()
        age = now - datetime.fromtimestamp(copy.stat().st_mtime, UTC)
        max_days = settings.keep_uploads_days
        if run is None or 0 <= max_days < age / timedelta(days=1):
            copy.unlink(missing_ok=True)
            deleted += 1
    return deleted


def _annotated_folder(settings: Settings) -> Path:
    return settings.uploads_path / "annotated"
