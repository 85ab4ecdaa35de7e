"""The folders of this host whose recordings the dashboard may queue and play."""

from pathlib import Path

from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.settings import Settings
from records.watched_folders import watched_folders
from runtime.files.allowed_folders import AllowedFolders


def allowed_folders(settings: Settings, engine: Engine, *more: Path) -> AllowedFolders:
    """Return what the owner allows: `readable_folders` and `more`, without moodline's own."""
    # Uploads belong to their owners, and the other files of moodline are for nobody.
    private = (settings.home_path, settings.uploads_path)
    return AllowedFolders((*more, *readable_folders(settings, engine)), private)


def playable_folders(settings: Settings, engine: Engine) -> AllowedFolders:
    """Return the folders of the recordings that are played: also that of the uploads."""
    folders = (settings.uploads_path, *readable_folders(settings, engine))
    return AllowedFolders(folders, private=(settings.home_path,))


def readable_folders(settings: Settings, engine: Engine) -> list[Path]:
    """Return the folders of the settings, the watched and the shared ones. Raises DatabaseError."""
    shared = settings.shared_folders
    found = {*settings.recording_folders, *shared.folders.values()}
    for one in watched_folders(engine):
        try:
            found.add(shared.local(one.path))
        except SourceError:
            continue  # This host lacks the folder's shared name.
    return sorted(found)
