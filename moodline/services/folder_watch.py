"""Looks through watched folders, and queues the recordings that have stopped growing."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.settings import Settings
from contracts.shared_folders import SharedFolders
from inference_worker.faces.detect import detector_id
from ingest.files.discovery import Recording, discover
from moodline.analysis.batch import Pins, queue_files
from moodline.analysis.run_spec import analysis_options, model_card
from records.watched_folders import WatchedFolder, note_seen, seen_files

SETTLE_S: Final = 10.0
"""Who writes a recording writes to it more often than that."""

_MOST_NEW: Final = 10_000


def look_through(
    settings: Settings,
    engine: Engine,
    folder: WatchedFolder,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Queue what is new and has not changed for SETTLE_S; what came of it, in a line.

    What still grows is left to the next time. Raises SourceError when the folder is not there.
    """
    place = SharedFolders.parse(settings.shared_folders).local(folder.path)
    if not place.is_dir():
        raise SourceError(f"{place} is no folder here", hint="Mount it, or remove the schedule")
    found = [one for one in discover([str(place)]) if isinstance(one, Recording)]
    seen = seen_files(engine, folder.name)
    states = {str(one.path): _state(one.path) for one in found}
    new = [one for one in found if seen.get(str(one.path)) != states[str(one.path)]]
    new = new[:_MOST_NEW]
    kept = {path: state for path, state in seen.items() if states.get(path) == state}
    if not new:
        if kept != seen:
            note_seen(engine, folder.name, kept)
        return f"{len(found):,} recordings, nothing new"
    wait(SETTLE_S)
    settled = [one for one in new if _state(one.path) == states[str(one.path)] != _GONE]
    queued = queue_files(settings, engine, settled, _pins(settings, folder)) if settled else []
    kept |= {str(one.path): states[str(one.path)] for one in settled}
    note_seen(engine, folder.name, kept)
    refused = [one for one in queued if one.error]
    line = f"{len(queued) - len(refused):,} queued, {len(new) - len(settled):,} still growing"
    if refused:
        line += f", {len(refused):,} refused: {refused[0].error}"
    return line


_GONE: Final = (-1, -1)


def _state(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return _GONE
    return stat.st_size, stat.st_mtime_ns


def _pins(settings: Settings, folder: WatchedFolder) -> Pins:
    return Pins(
        detector=detector_id(settings.detector),
        model_version=model_card(settings).version,
        options=analysis_options(settings),
        sampling_fps=folder.sampling_fps,
        source=folder.source,
        folders=SharedFolders.parse(settings.shared_folders),
    )
