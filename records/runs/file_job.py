"""The description of a recording to analyse, before it is a run."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.analysis_spec import AnalysisOptions
from records.json_columns import RunOptions, encode_file_run_options
from runtime.visible_text import visible

_MAX_SOURCE_NAME: Final = 512
"""Characters of `sources.name`."""


def source_name(name: str) -> str:
    """Return the name as a source can have it, without characters that steer a terminal or a page.

    Of one that is too long, both ends and a hash.
    """
    name = visible(name)
    if len(name) <= _MAX_SOURCE_NAME:
        return name
    mark = f"…{hashlib.sha256(name.encode()).hexdigest()[:12]}…"
    kept = (_MAX_SOURCE_NAME - len(mark)) // 2
    return name[:kept] + mark + name[-kept:]


@dataclass(frozen=True, slots=True)
class FileJob:
    """A recording to analyse, and how.

    uri: as `SharedFolders.stored` names it. content_hash: SHA-256 of the file. source_given:
    whether the owner named the source, which makes it another analysis. recorded_at,
    recorded_at_pattern: the capture time as the owner gave it, or None. recorded_at_zone: the IANA
    time zone of names without an offset; None: UTC.
    file_state: the file's size and modification time when it was hashed, or None.
    """

    uri: str
    content_hash: str
    source: str
    source_given: bool
    sampling_fps: float | None
    detector: str
    model_version: str
    options: AnalysisOptions
    recorded_at: datetime | None = None
    recorded_at_pattern: str | None = None
    recorded_at_zone: str | None = None
    file_state: str | None = None

    def identity(self) -> str:
        """Return a hash that is equal for equal work. It is stored, so it must never change."""
        parts = [
            self.content_hash,
            self.sampling_fps,
            self.detector,
            self.model_version,
            self.options.values(),
            self.source if self.source_given else None,
            self.recorded_at.isoformat() if self.recorded_at else None,
            self.recorded_at_pattern,
        ]
        if self.recorded_at_pattern and self.recorded_at_zone:
            parts.append(self.recorded_at_zone)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def stored_options(self) -> str:
        """Return `runs.options`: what the ingestor and the worker need to know."""
        return encode_file_run_options(
            RunOptions(
                self.options,
                self.recorded_at,
                self.recorded_at_pattern,
                self.recorded_at_zone,
                drops_damaged=True,
            )
        )
