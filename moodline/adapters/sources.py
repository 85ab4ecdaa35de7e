"""Live sources for the dashboard: add, edit and probe them. Implements `SourceService`."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import structlog
from sqlalchemy import Engine

from contracts.errors import MoodlineError, OwnHostError, SourceError
from contracts.live_sources import DEFAULT_SIDE, LiveSource
from contracts.parsing.addresses import HostPort
from contracts.settings import Settings
from contracts.zones.picture_options import PictureOptions
from contracts.zones.turning import Turn, turned_zones
from contracts.zones.zone import ZoneKind, masks_of
from ingest.live.ssrf_guard import check_form_address, check_host
from ingest.live.uris import (
    cannot_open,
    describe,
    with_credentials,
    with_transport,
    without_credentials,
)
from moodline.adapters.probing.probe_failures import explained_failure
from moodline.adapters.probing.probed_source import ProbedSource
from moodline.adapters.source_settings import source_settings
from records.sources.allowed_places import allow_place, allowed_places
from records.sources.live_sources import add_source, edit_source, find_source, live_sources
from records.sources.sealing import Sealer
from serving.services import NO_FIELDS, AddressFields, SourceForm, SourceProbe

log = structlog.get_logger()

_PROBE_TIMEOUT_S: Final = 30.0
_FAILURE_AFTER_S: Final = 13.0
_MARGIN_S: Final = 1.0
_MAX_ANSWER_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class SourceEditor:
    """Adds, edits and probes live sources. Form input is not trusted: addresses are checked.

    failure_after_s: time of a probe that fails. Methods raise SourceError.
    """

    settings: Settings
    engine: Engine
    failure_after_s: float = _FAILURE_AFTER_S

    def add(self, name: str, form: SourceForm, *, actor: str) -> None:
        """Add a live source. A running moodline starts to read it within two seconds."""
        self._check_address(form.uri)
        source = source_settings(
            self.settings,
            _completed(form.uri, form.fields),
            fps=form.fps,
            max_side=DEFAULT_SIDE,
            tags=form.tags,
            looped=False,
            host=None,
            pictures=PictureOptions(form.turn, keep_static=form.keep_static),
            keeps_zones=True,
        )
        add_source(self.engine, name, source, actor=actor)

    def edit(self, name: str, form: SourceForm, *, actor: str) -> None:
        """Change a live source. An empty address keeps the one that it has."""
        known = find_source(self.engine, name)
        if form.uri:
            self._check_address(form.uri)
            uri, host = form.uri, None
        else:
            uri, host = self._sealer.unseal(known.uri), known.host or "any"
        uri = _completed(uri, form.fields)
        source = source_settings(
            self.settings,
            uri,
            fps=form.fps,
            max_side=known.max_side or DEFAULT_SIDE,
            tags=form.tags,
            looped=known.looped,
            host=host,
            pictures=PictureOptions(
                form.turn, min_face_px=known.min_face_px, keep_static=form.keep_static
            ),
            keeps_zones=True,
        )
        edit_source(self.engine, name, source, actor=actor)

    def allow(self, place: HostPort, *, actor: str) -> None:
        """Allow a port of this host as a camera. Raises SourceError if it is not of this host."""
        try:
            check_host(place.host, self.settings.source_hosts)
        except OwnHostError:
            allow_place(self.engine, place, actor=actor)
        else:
            raise SourceError(f"{place.host} is not this host, and needs no permission")

    def probe(
        self,
        uri: str,
        name: str,
        turn: Turn,
        fields: AddressFields = NO_FIELDS,
        *,
        explained: bool = False,
    ) -> SourceProbe:
        """Read an address, or with an empty one that of the known source `name`, for 3 seconds.

        turn: of its picture, which has the masks of that source, and of all sources with the same
        address.
        Errors come after `failure_after_s`, whatever the cause: who may name addresses must not
        learn from the time either which ports are open. With `explained`, which is for
        administrators, they come at once, with the cause.
        """
        source = self._probed(uri, name).turned(turn)
        source = replace(source, uri=_completed(source.uri, fields))
        begin_s = time.monotonic()
        try:
            return self._probe_in_process(source, begin_s)
        except SourceError as exc:
            log.warning("source test failed", reason=exc.line(), detail=exc.detail)
            if explained:
                raise explained_failure(source.uri, exc) from exc
            time.sleep(max(0.0, begin_s + self.failure_after_s - time.monotonic()))
            raise

    def _probed(self, uri: str, name: str) -> ProbedSource:
        known = find_source(self.engine, name) if name else None
        if not uri and known is not None:
            return ProbedSource.of(known, self._sealer.resolve(known.uri, os.environ))
        self._check_address(uri)
        probed = ProbedSource(uri) if known is None else ProbedSource.of(known, uri)
        masks = [
            zone
            for source in live_sources(self.engine)
            if source != known and self._has_address(source, uri)
            for zone in turned_zones(source.zones, source.turn, probed.turn)
            if zone.kind is ZoneKind.MASK
        ]
        return replace(probed, zones=(*probed.zones, *masks))

    def _check_address(self, uri: str) -> None:
        own = allowed_places(self.engine)
        check_form_address(uri, self.settings.source_hosts, own=own)

    def _has_address(self, source: LiveSource, uri: str) -> bool:
        """Return whether a source with masks has this address, whatever the credentials."""
        if not masks_of(source.zones):
            return False
        try:
            stored = self._sealer.resolve(source.uri, os.environ)
        except MoodlineError:  # Without its key or its variable, only the host is known.
            return source.shown_uri.lower() == describe(uri).lower()
        return without_credentials(stored) == without_credentials(uri)

    def _probe_in_process(self, source: ProbedSource, begin_s: float) -> SourceProbe:
        # FFmpeg parses what an untrusted host sends: in a process that may crash or hang.
        open_until_s = begin_s + self.failure_after_s - _MARGIN_S
        source = replace(source, own_places=tuple(map(str, allowed_places(self.engine))))
        request = json.dumps({"source": asdict(source), "open_until_s": open_until_s})
        try:
            done = subprocess.run(
                [sys.executable, "-m", "moodline.adapters.probing.source_probe_process"],
                input=request.encode(),
                capture_output=True,
                timeout=_PROBE_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise cannot_open(source.uri, f"no answer within {_PROBE_TIMEOUT_S:.0f} s") from exc
        if done.returncode or len(done.stdout) > _MAX_ANSWER_BYTES:
            raise cannot_open(source.uri, f"its process ended with status {done.returncode}")
        answer: dict[str, Any] = json.loads(done.stdout)
        if "error" in answer:
            raise SourceError(answer["error"], detail=answer["detail"])
        return SourceProbe(**answer)

    @property
    def _sealer(self) -> Sealer:
        return Sealer(self.settings.secret_key, self.settings.home_path)


def _completed(uri: str, fields: AddressFields) -> str:
    """Return the address with the fields that are given, in place of its own."""
    if fields.user or fields.password:
        uri = with_credentials(uri, fields.user, fields.password)
    return uri if fields.transport is None else with_transport(uri, fields.transport)
