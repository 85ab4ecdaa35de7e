"""The start time of a recording: given by the user, or from its name, header or file time."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final

from contracts.errors import SettingsError

# Cameras without a clock write the epoch of their chip or of the file format.
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
_REQUIRED: Final = ("year", "month", "day")
_PARTS: Final = (*_REQUIRED, "hour", "minute", "second", "microsecond", "offset")
_HINT: Final = (
    "Give a regular expression with the groups year, month and day, and optionally "
    "hour, minute, second, microsecond and offset; for example "
    r"'(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)_(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)'"
)


class BaseTimeOrigin(StrEnum):
    """The origin of a recording's base time. Stored.

    *_end: the time is that of the recording's end, so its duration was subtracted. mtime: of
    earlier versions, and of recordings whose duration is unknown.
    """

    RECORDED_AT = "recorded_at"
    PATTERN = "pattern"
    CONTAINER = "container"
    CONTAINER_END = "container_end"
    MTIME = "mtime"
    MTIME_END = "mtime_end"


@dataclass(frozen=True, slots=True)
class BaseTime:
    """The time of a recording's media time 0, UTC, and its origin."""

    at: datetime
    origin: BaseTimeOrigin


@dataclass(frozen=True, slots=True)
class FileTimes:
    """The times that a file names itself.

    name: of the file. creation_time: of its container; None if it has none. is_end: whether its
    writer writes the end of the recording there. mtime: modification time, about the end of the
    recording. duration: None if unknown.
    """

    name: str
    creation_time: datetime | None
    is_end: bool
    mtime: datetime
    duration: timedelta | None

    def base_time(self, now: datetime) -> BaseTime:
        """Return the time of media time 0. now: before it, a container's time is plausible."""
        duration = self.duration or timedelta()
        if self.creation_time is not None and _utc(self.creation_time) >= _EARLIEST:
            created = _utc(self.creation_time)
            if self.is_end and self.duration:
                return BaseTime(created - duration, BaseTimeOrigin.CONTAINER_END)
            if not is_future(created, self.duration, now):
                return BaseTime(created, BaseTimeOrigin.CONTAINER)
        if self.duration is None:
            return BaseTime(_utc(self.mtime), BaseTimeOrigin.MTIME)
        return BaseTime(_utc(self.mtime) - duration, BaseTimeOrigin.MTIME_END)


def base_time(
    *,
    recorded_at: datetime | None,
    pattern: str | None,
    zone: tzinfo,
    file: FileTimes,
    now: datetime,
) -> BaseTime:
    """Return the first known of: recorded_at, the file name by `pattern`, the container, mtime.

    A container's time is ignored before 1990, and if the recording would end in the future: its
    writer stored the end, or a local time. A file name that does not match is ignored too. A
    name without an offset is in `zone`. Raises SettingsError if `pattern` is not valid.
    """
    if recorded_at is not None:
        return BaseTime(_utc(recorded_at), BaseTimeOrigin.RECORDED_AT)
    if pattern is not None:
        named = _from_name(compile_pattern(pattern), file.name, zone)
        if named is not None:
            return BaseTime(named, BaseTimeOrigin.PATTERN)
    return file.base_time(now)


def is_future(begin: datetime, duration: timedelta | None, now: datetime) -> bool:
    """Return whether a recording that begins then has not ended by now, within a minute."""
    return begin + (duration or timedelta()) > now + _CLOCKS_DIFFER


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return the compiled --recorded-at-pattern. Raises SettingsError if it is not valid."""
    try:
        compiled = re.compile(pattern)
    except re.error as exc:
        raise SettingsError(
            f"--recorded-at-pattern {pattern!r} is not a regular expression: {exc}", hint=_HINT
        ) from exc
    missing = [name for name in _REQUIRED if name not in compiled.groupindex]
    unknown = [name for name in compiled.groupindex if name not in _PARTS]
    if missing or unknown:
        problem = (
            f"has no group {', '.join(missing)}"
            if missing
            else f"has the unknown group {', '.join(unknown)}"
        )
        raise SettingsError(f"--recorded-at-pattern {pattern!r} {problem}", hint=_HINT)
    return compiled


def _from_name(pattern: re.Pattern[str], file_name: str, clock: tzinfo) -> datetime | None:
    match = pattern.search(file_name)
    if match is None:
        return None
    parts = {name: text for name, text in match.groupdict().items() if text}
    try:
        offset = parts.pop("offset", None)
        fraction = parts.pop("microsecond", "0")[:6].ljust(6, "0")
        numbers = {name: int(text) for name, text in parts.items()}
        return datetime(
            **numbers,
            microsecond=int(fraction),
            tzinfo=clock if offset is None else _zone(offset),
        ).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None  # The name matches, but is not a valid date, such as 20261399.


def _zone(offset: str) -> timezone:
    """Return the zone of Z, +02, +0200 or +02:00. Raises ValueError."""
    if offset in ("Z", "z"):
        return UTC
    match = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", offset)
    if match is None:
        raise ValueError(offset)
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
