"""Annotated copies of recordings."""

from pathlib import Path

import pytest

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError
from contracts.settings import Settings
from moodline.adapters.recording_files import annotated_path, uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.database import open_engine
from records.schema import upgrade


def test_a_failed_deletion_of_a_copy_raises_and_is_not_in_the_audit(tmp_path: Path) -> None:
    """Given a copy that cannot be deleted, the error says so and no audit entry is written."""
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    settings = Settings(home=tmp_path / "home")
    library = RecordingLibrary(settings, engine, uploads_of(settings, engine))
    copy = annotated_path(settings, "seen")
    copy.mkdir(parents=True)  # Root may delete any file, but `unlink` fails on a folder.

    with pytest.raises(MoodlineError, match="cannot be deleted"):
        library.delete_copy("seen", actor="mara")

    assert copy.exists() and not in_snapshot(engine, audit_entries)
    engine.dispose()
