"""The annotated copies of recordings, and what is said when one cannot be deleted."""

from pathlib import Path

import pytest

from analytics.audit import audit_entries
from contracts.errors import MoodlineError
from contracts.settings import Settings
from moodline.adapters.recordings import RecordingDesk, uploads_of
from records.database import open_engine, upgrade


def test_a_copy_that_cannot_be_deleted_is_said_and_not_written_down(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    settings = Settings(home=tmp_path / "home")
    desk = RecordingDesk(settings, engine, uploads_of(settings, engine))
    _, copy = desk.annotated("seen")
    copy.mkdir(parents=True)  # As root may delete any file, something that is none.

    with pytest.raises(MoodlineError, match="cannot be deleted"):
        desk.delete_copy("seen", actor="mara")

    assert copy.exists() and not audit_entries(engine)
    engine.dispose()
