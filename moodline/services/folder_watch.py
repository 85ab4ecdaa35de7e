"""Watched folders: queues new recordings once they have stopped growing."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.settings import Settings
from ingest.files.discovery import Recording, RefusedPath, discover_allowed
from moodline.adapters.recording_folders import allowed_folders
from moodline.analysis.queueing import JobTemplate, queue_files
from moodline.analysis.run_spec import analysis_spec
from records.watched_folders import WatchedFolder, handled_files, save_handled_files

SETTLE_S: Final = 10.0
"""A recording that has not changed for this long is complete."""

_MAX_NEW: Final = 10_000
_GONE: Final = (-1, -1)


def queue_new_recordings(
    settings: Settings,
    engine: Engine,
    folder: WatchedFolder,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Queue the new recordings that do not change for SETTLE_S; return the result as a line.

    The others are left for the next call. wait: sleeps, for tests. Raises SourceError if the
    folder does not exist.
    """
    place = settings.shared_folders.local(folder.path)
    if not place.is_dir():
        raise SourceError(
            f"{place} is not a folder on this host", hint="Mount it, or remove the schedule"
        )
    allowed = allowed_folders(settings, engine, place)
    results = discover_allowed(place, allowed)
    found = [one for one in results if isinstance(one, Recording)]
    refusals = [one.error.line() for one in results if isinstance(one, RefusedPath)]
    handled = handled_files(engine, folder.name)
    states = {str(one.path): _state(one.path) for one in found}
    new = [one for one in found if handled.get(str(one.path)) != states[str(one.path)]]
    new = new[:_MAX_NEW]
    kept = {path: state for path, state in handled.items() if states.get(path) == state}
    if not new:
        if kept != handled:
            save_handled_files(engine, folder.name, kept)
        return f"{len(found):,} recordings, nothing new{_refused(refusals)}"
    wait(SETTLE_S)
    settled = [one for one in new if _state(one.path) == states[str(one.path)] != _GONE]
    template = _template(settings, folder)
    queued = queue_files(settings, engine, settled, template, allowed.open) if settled else []
    kept |= {str(one.path): states[str(one.path)] for one in settled}
    save_handled_files(engine, folder.name, kept)
    refused = [one.error for one in queued if one.error]
    line = f"{len(queued) - len(refused):,} queued, {len(new) - len(settled):,} still growing"
    return line + _refused(refused + refusals)


def _refused(reasons: Sequence[str]) -> str:
    return f", {len(reasons):,} refused: {reasons[0]}" if reasons else ""


def _state(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return _GONE
    return stat.st_size, stat.st_mtime_ns


def _template(settings: Settings, folder: WatchedFolder) -> JobTemplate:
    return JobTemplate(
        spec=analysis_spec(settings, pictures=folder.pictures),
        sampling_fps=folder.sampling_fps,
        source=folder.source,
        folders=settings.shared_folders,
    )
