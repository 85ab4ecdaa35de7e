"""The export runner: writes the files of exports, one at a time, in a thread of its own."""

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from analytics.audit import last_erasure
from analytics.export.exporter import export_records, provenance_path
from analytics.export.record_pages import Selection
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError
from contracts.times import utc_now
from records.exports.stored import (
    StoredExport,
    claim_export,
    finish_export,
    old_exports,
    remove_export,
)
from runtime.files.free_space import FreeSpace
from serving.backend import Backend

log = structlog.get_logger()


@dataclass(slots=True)
class ExportRunner:
    """Writes exports while there are any. An export whose process died is written again."""

    backend: Backend
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_running: bool = False
    _is_asked: bool = False

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return self.backend.settings.home_path / "exports"

    def path(self, export: StoredExport) -> Path:
        """Return the path of an export's file."""
        return self.folder / export.file_name

    def wake(self) -> None:
        """Look for exports to write, without waiting for them."""
        with self._lock:
            self._is_asked = True
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, name="exports", daemon=True).start()

    def remove(self, export: StoredExport) -> None:
        """Delete an export and its file."""
        remove_export(self.backend.engine, export.id)
        path = self.path(export)
        for one in (path, provenance_path(path)):
            one.unlink(missing_ok=True)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._is_asked:
                    self._is_running = False
                    return
                self._is_asked = False
            try:
                self._write_all()
            except MoodlineError as exc:
                log.warning("exports cannot be written", reason=exc.line())
            except Exception:  # Nobody awaits this thread: without the log it would be lost.
                log.exception("exports cannot be written")

    def _write_all(self) -> None:
        engine = self.backend.engine
        for one in old_exports(engine, utc_now()):
            self.remove(one)
        while (export := claim_export(engine, in_snapshot(engine, last_erasure))) is not None:
            self._write(export)

    def _write(self, export: StoredExport) -> None:
        path, space = self.path(export), FreeSpace(self.backend.settings.min_free_bytes)
        rows, size, error = 0, 0, ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            rows = export_records(self.backend.engine, selection_of(export), path, space)
            size = path.stat().st_size
        except MoodlineError as exc:
            error = exc.line()
        except OSError as exc:
            error = f"the file cannot be written: {exc.strerror}"
        except Exception:  # Nobody awaits this thread: the export would wait forever.
            error = "the export failed: the reason is in the log"
            log.exception("an export failed", export=export.id)
        with suppress(FileNotFoundError):
            provenance_path(path).unlink()
        finish_export(self.backend.engine, export.id, rows, size, error)


def selection_of(export: StoredExport) -> Selection:
    """Return the rows that an export has."""
    asked = json.loads(export.asked)
    since, until = (
        None if asked[name] is None else datetime.fromisoformat(asked[name])
        for name in ("since", "until")
    )
    runs, sources = (tuple(asked[name]) for name in ("runs", "sources"))
    return Selection(runs, sources, since, until, asked["frames"])
