"""When a recording was made: the UTC time of its media time 0, and how that is known."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from contracts.errors import SettingsError

_EARLIEST_CREATION: Final = datetime(1990, 1, 1, tzinfo=UTC)
_REQUIRED: Final = ("year", "month", "day")
_OPTIONAL: Final = ("hour", "minute", "second", "microsecond")
_EXAMPLE: Final = (
    r"Example: (?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)_(?P<hour>\d\d)(?P<minute>\d\d)"
)


class Origin(StrEnum):
    """How the base time is known, best first."""

    RECORDED_AT = "recorded_at"
    PATTERN = "pattern"
    CONTAINER = "container"
    MTIME = "mtime"


@dataclass(frozen=True, slots=True)
class BaseTime:
    """The UTC time of media time 0."""

    at: datetime
    origin: Origin


def base_time(
    *,
    recorded_at: datetime | None,
    pattern: str | None,
    file_name: str,
    creation_time: datetime | None,
    mtime: datetime,
) -> BaseTime:
    """What the owner said, else the file's name, its container, its modification time.

    Cameras with a dead clock write a creation time of 1904 or 1970: none before 1990 counts.
    """
    if recorded_at is not None:
        return BaseTime(recorded_at, Origin.RECORDED_AT)
    if pattern is not None:
        named = time_in_name(pattern, file_name)
        if named is not None:
            return BaseTime(named, Origin.PATTERN)
    if creation_time is not None and creation_time >= _EARLIEST_CREATION:
        return BaseTime(creation_time, Origin.CONTAINER)
    return BaseTime(mtime, Origin.MTIME)


def time_in_name(pattern: str, file_name: str) -> datetime | None:
    """The UTC time that the pattern's named groups find; None where it does not match.

    Raises SettingsError for a pattern that is no regular expression or lacks a group.
    """
    match = check_pattern(pattern).search(file_name)
    if match is None:
        return None
    parts = {k: int(v) for k, v in match.groupdict().items() if v is not None}
    try:
        return datetime(**parts, tzinfo=UTC)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def check_pattern(pattern: str) -> re.Pattern[str]:
    """The compiled pattern. Raises SettingsError, with an example of a good one."""
    try:
        compiled = re.compile(pattern)
    except re.error as exc:
        raise SettingsError(
            f"--recorded-at-pattern is no regular expression: {exc}", hint=_EXAMPLE
        ) from exc
    groups = set(compiled.groupindex)
    missing = set(_REQUIRED) - groups
    unknown = groups - set(_REQUIRED) - set(_OPTIONAL)
    if missing or unknown:
        what = f"lacks the groups {sorted(missing)}" if missing else f"has {sorted(unknown)}"
        raise SettingsError(f"--recorded-at-pattern {what}", hint=_EXAMPLE)
    return compiled
