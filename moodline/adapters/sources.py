"""What the page Sources has the pipeline do: keep a description, and look at a source."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.settings import Settings
from ingest.live.ssrf_guard import check_typed
from moodline.adapters.source_settings import described
from records.sources.live_sources import SourceSettings, add_source, edit_source, find_source
from records.sources.sealing import Sealer

_LOOK_S: Final = 30.0
_MOST_ANSWER: Final = 4 * 2**20
DEFAULT_SIDE: Final = 720


@dataclass(frozen=True, slots=True)
class SourceDesk:
    """Takes what somebody typed into a form, so it trusts none of it. Raises SourceError."""

    settings: Settings
    engine: Engine

    def add(self, name: str, typed: Mapping[str, Any]) -> None:
        """typed: uri, fps, tags. The source is read within two seconds where `up` runs."""
        check_typed(typed["uri"], self.settings.allowed_source_hosts)
        add_source(self.engine, name, self._described(typed["uri"], typed, DEFAULT_SIDE))

    def edit(self, name: str, typed: Mapping[str, Any]) -> None:
        """The same of a known source; an empty uri leaves it where it is."""
        known = find_source(self.engine, name)
        if typed["uri"]:
            check_typed(typed["uri"], self.settings.allowed_source_hosts)
            uri, host = typed["uri"], None
        else:
            uri, host = self._sealer.unsealed(known.uri), known.host or "any"
        settings = described(
            self.settings,
            uri,
            fps=typed["fps"],
            max_side=known.max_side or DEFAULT_SIDE,
            tags=tuple(typed["tags"]),
            looped=known.looped,
            host=host,
        )
        edit_source(self.engine, name, settings)

    def look(self, uri: str, name: str = "") -> dict[str, Any]:
        """What a source gives in three seconds, and a picture of it: JPEG, base64, faces blurred.

        uri: as typed; empty for that of the source `name`.
        """
        if uri:
            check_typed(uri, self.settings.allowed_source_hosts)
        else:
            uri = self._sealer.opened(find_source(self.engine, name).uri, os.environ)
        # FFmpeg reads what a stranger sends: in a process that may die or hang.
        asked = json.dumps({"uri": uri, "max_side": DEFAULT_SIDE})
        try:
            done = subprocess.run(
                [sys.executable, "-m", "moodline.adapters.source_probe_process"],
                input=asked.encode(),
                capture_output=True,
                timeout=_LOOK_S,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise SourceError(
                f"it did not answer within {_LOOK_S:.0f} s", hint="Check that the camera is on"
            ) from exc
        if done.returncode or len(done.stdout) > _MOST_ANSWER:
            raise SourceError("what it sends cannot be read", hint="Check the camera's settings")
        told: dict[str, Any] = json.loads(done.stdout)
        if "error" in told:
            raise SourceError(told["error"])
        return told

    def _described(self, uri: str, typed: Mapping[str, Any], side: int) -> SourceSettings:
        return described(
            self.settings,
            uri,
            fps=typed["fps"],
            max_side=side,
            tags=tuple(typed["tags"]),
            looped=False,
            host=None,
        )

    @property
    def _sealer(self) -> Sealer:
        return Sealer(self.settings.secret_key, self.settings.home_path)
