"""Annotated copies of recordings."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError
from contracts.settings import Settings
from moodline.adapters.recording_files import annotated_path, uploads_of
from moodline.adapters.recordings import RecordingLibrary


def test_a_failed_deletion_of_a_copy_raises_and_is_not_in_the_audit(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    """Given a copy that cannot be deleted, the error says so and no audit entry is written."""
    settings = Settings(home=tmp_path / "home")
    library = RecordingLibrary(settings, sqlite_engine, uploads_of(settings, sqlite_engine))
    copy = annotated_path(settings, "seen")
    copy.mkdir(parents=True)  # Root may delete any file, but `unlink` fails on a folder.

    with pytest.raises(MoodlineError, match="cannot be deleted"):
        library.delete_copy("seen", actor="mara")

    assert copy.exists() and not in_snapshot(sqlite_engine, audit_entries)
