"""The section `sources`: live sources."""

from collections.abc import Mapping
from typing import Any, Final

from contracts.errors import ConfigFileError
from contracts.live_sources import DEFAULT_SIDE, LiveSource, Transport
from contracts.zones.picture_options import PictureOptions
from ingest.live.uris import with_credentials, with_transport
from moodline.adapters.source_settings import source_settings
from moodline.as_code.document import DEFAULT_FPS, LiveSourceEntry
from moodline.as_code.entries import Fields, FieldValue
from moodline.as_code.parsing import ParsedFile
from moodline.as_code.pictures import picture_entry, picture_fields, picture_options
from moodline.as_code.site import Site
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    check_name,
    edit_source,
    live_sources,
    pause_source,
    remove_source,
)

_ANY_HOST: Final = "any"


class LiveSourceSection:
    """The live sources of a file and of the records."""

    name = "sources"

    def __init__(self, site: Site, parsed: ParsedFile) -> None:
        self._site = site
        self._parsed = parsed
        self._entries = parsed.document.sources or {}
        self._known = {one.name: one for one in live_sources(site.engine)}
        self._settings: dict[str, SourceSettings] = {}

    def current(self) -> Mapping[str, Fields]:
        """Return the sources that were not removed."""
        return {
            name: self._fields(_settings_of(one), one.pictures, paused=one.paused)
            for name, one in self._known.items()
        }

    def desired(self) -> Mapping[str, Fields]:
        """Return the sources of the file. Raises MoodlineError."""
        found = {}
        for name, entry in self._entries.items():
            with self._parsed.naming(self.name, name):
                check_name(name)
                known = self._known.get(name)
                pictures = picture_options(entry, name, known.pictures if known else None)
                self._settings[name] = settings = self._desired(name, entry, pictures)
                paused = bool(known and known.paused) if entry.paused is None else entry.paused
                found[name] = self._fields(settings, pictures, paused=paused)
        return found

    def store(self, name: str, *, exists: bool) -> None:
        """Add or change a source. Raises MoodlineError."""
        site, settings, paused = self._site, self._settings[name], self._entries[name].paused
        with self._parsed.naming(self.name, name):
            if not exists:
                add_source(site.engine, name, settings, actor=site.actor)
            elif not self._differs_by_pause_only(name):
                edit_source(site.engine, name, settings, actor=site.actor)
            if paused is not None and paused != (exists and self._known[name].paused):
                pause_source(site.engine, name, paused=paused, actor=site.actor)

    def remove(self, name: str) -> None:
        """Remove a source; its history stays."""
        remove_source(self._site.engine, name, actor=self._site.actor)

    def _differs_by_pause_only(self, name: str) -> bool:
        """Return whether an edit, after which the source is opened again, is not needed."""
        before, after = self.current()[name], self.desired()[name]
        return {**before, "paused": None} == {**after, "paused": None}

    def _desired(
        self, name: str, entry: LiveSourceEntry, pictures: PictureOptions
    ) -> SourceSettings:
        address, host = self._address(name, entry)
        if entry.user is not None:
            password = "" if entry.password is None else self._resolved(name, "password")
            address = with_credentials(address, entry.user, password)
        elif entry.password is not None:
            raise ConfigFileError(
                f"{self._parsed.at(self.name, name, 'password')}: a password needs a user"
            )
        if entry.transport is not None:
            address = with_transport(address, Transport(entry.transport))
        return source_settings(
            self._site.settings,
            address,
            fps=entry.fps,
            max_side=entry.max_side,
            tags=tuple(dict.fromkeys(entry.tags)),
            looped=entry.loop,
            host=entry.host or host,
            pictures=pictures,
            keeps_zones=entry.zones is None,
        )

    def _address(self, name: str, entry: LiveSourceEntry) -> tuple[str, str | None]:
        """Return the address of the entry or of the known source, and which host opens it."""
        if entry.address is not None:
            return self._resolved(name, "address"), None
        known = self._known.get(name)
        if known is None:
            raise ConfigFileError(
                f"{self._parsed.at(self.name, name)}: the source {name} is new and has no address",
                hint="Add one, such as address: rtsp://camera.local/live, or {env: NAME}",
            )
        return self._site.sealer.unseal(known.uri), known.host or _ANY_HOST

    def _resolved(self, name: str, key: str) -> str:
        return self._parsed.resolve(getattr(self._entries[name], key), self.name, name, key)

    def _fields(
        self, settings: SourceSettings, pictures: PictureOptions, *, paused: bool
    ) -> Fields:
        address = self._site.sealer.unseal(settings.uri)
        return {
            "address": FieldValue(address, settings.shown_uri),
            "fps": FieldValue.plain(settings.sampling_fps),
            "max_side": FieldValue.plain(settings.max_side),
            "tags": FieldValue.plain(settings.tags),
            "loop": FieldValue.plain(settings.looped),
            "host": FieldValue.plain(settings.host),
            **picture_fields(pictures),
            "paused": FieldValue.plain(paused),
        }


def _settings_of(known: LiveSource) -> SourceSettings:
    return SourceSettings(
        known.uri,
        known.shown_uri,
        known.host,
        known.sampling_fps,
        known.max_side,
        known.tags,
        known.looped,
    )


def source_entry(site: Site, source: LiveSource) -> dict[str, Any]:
    """Return the entry of a known source. An address that is sealed is left out."""
    entry: dict[str, Any] = {}
    if not site.sealer.is_secret(address := site.sealer.unseal(source.uri)):
        entry["address"] = address
    if source.sampling_fps != DEFAULT_FPS:
        entry["fps"] = source.sampling_fps
    if source.max_side != DEFAULT_SIDE:
        entry["max_side"] = source.max_side
    if source.tags:
        entry["tags"] = [*source.tags]
    if source.looped:
        entry["loop"] = True
    if source.host is not None:
        entry["host"] = source.host
    if source.paused:
        entry["paused"] = True
    return entry | picture_entry(source.pictures)
