"""The section `retention`: how long data is kept."""

from collections.abc import Mapping
from typing import Final

from analytics.snapshots import in_snapshot
from contracts.errors import ConfigFileError
from moodline.as_code.entries import Fields, FieldValue
from moodline.as_code.parsing import ParsedFile
from moodline.as_code.site import Site
from records.kept_days import SETTINGS, store_days, stored_days

_FOREVER: Final = "forever"
_UNIT_DAYS: Final = {"d": 1, "w": 7}
_MOST_DAYS: Final = 36500


class RetentionSection:
    """The retention of a file and of the records."""

    name = "retention"

    def __init__(self, site: Site, parsed: ParsedFile) -> None:
        self._site = site
        self._parsed = parsed

    def current(self) -> Mapping[str, Fields]:
        """Return what is stored. The settings of services are not known here."""
        stored = in_snapshot(self._site.engine, stored_days)
        return {name: _fields(days) for name, days in stored.items()}

    def desired(self) -> Mapping[str, Fields]:
        """Return the days of the file. Raises MoodlineError."""
        return {name: _fields(days) for name, days in self._days().items()}

    def store(self, name: str, *, exists: bool) -> None:  # noqa: ARG002
        """Store the days of one kind of data. Raises MoodlineError."""
        days = self._days()[name]
        setting = f"MOODLINE_{SETTINGS[name].upper()}"
        if SETTINGS[name] in self._site.settings.model_fields_set:
            raise ConfigFileError(
                f"{self._parsed.at(self.name, name)}: {setting} is set in the environment, and "
                "goes before it",
                hint=f"Unset {setting} for all services, or leave `{name}` out of the file",
            )
        store_days(self._site.engine, {name: days}, actor=self._site.actor)

    def remove(self, name: str) -> None:
        """Let the setting decide again."""
        store_days(self._site.engine, {name: None}, actor=self._site.actor)

    def _days(self) -> dict[str, int]:
        retention = self._parsed.document.retention
        found = {}
        for name in SETTINGS if retention is not None else ():
            if text := getattr(retention, name):
                days = 0 if text == _FOREVER else int(text[:-1]) * _UNIT_DAYS[text[-1]]
                if days > _MOST_DAYS:
                    raise ConfigFileError(
                        f"{self._parsed.at(self.name, name)}: {text} is too long",
                        hint=f"Use at most {_MOST_DAYS}d, or forever",
                    )
                found[name] = days
        return found


def _fields(days: int) -> Fields:
    return {"kept": FieldValue(days, kept_text(days))}


def kept_text(days: int) -> str:
    """Return days as the file has them."""
    return f"{days}d" if days else _FOREVER
