"""AlertRule: when to warn, about which sources, and whom."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.alerts.condition import Condition, shown
from contracts.alerts.week_hours import ALWAYS, WeekHours
from contracts.errors import AlertError

MAX_NAME_LENGTH: Final = 64
MAX_NAMES: Final = 50
MINUTE_S: Final = 60
MAX_WINDOW_S: Final = 86_400
MAX_COOLDOWN_S: Final = 7 * 86_400
DEFAULT_WINDOW_S: Final = 300
DEFAULT_MIN_COVERAGE: Final = 0.6
DEFAULT_MIN_PERSON_S: Final = 30.0
_NAME: Final = re.compile(r"[^\s\x00-\x1f/](?:[^\x00-\x1f/]*[^\s\x00-\x1f/])?")


class Severity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A rule. It is checked when it is made: AlertError names the wrong field.

    window_s: the time over which a measure is taken, or for which a sampled one must last; 0 for
    time away, whose limit is a time.
    clears_at: the limit at which an open alert ends, for hysteresis; None: that of the condition.
    cooldown_s: the least time between two firings about one source.
    min_person_s, min_coverage: below them nothing is said, where the measure depends on them.
    sources, tags: the live sources that it is about, by name and by tag; neither: all of them.
    hours: when it may fire. targets: names of those who are told; none: all.
    """

    name: str
    condition: Condition
    window_s: int = DEFAULT_WINDOW_S
    clears_at: float | None = None
    cooldown_s: int = 0
    min_person_s: float = DEFAULT_MIN_PERSON_S
    min_coverage: float = DEFAULT_MIN_COVERAGE
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    hours: WeekHours = ALWAYS
    severity: Severity = Severity.WARNING
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name("name", self.name)
        self._check_window()
        self._check_clears_at()
        _check_range("cooldown", self.cooldown_s, 0, MAX_COOLDOWN_S, " s")
        _check_range("min_person_seconds", self.min_person_s, 0, 1e6, " s")
        _check_range("min_coverage", self.min_coverage * 100, 0, 100, "%")
        for field, names in (("source", self.sources), ("tag", self.tags), ("to", self.targets)):
            if len(names) > MAX_NAMES:
                raise AlertError(field, f"more than {MAX_NAMES} names", "Use a tag")
        if self.condition.known.is_of_the_system and (self.sources or self.tags):
            raise AlertError(
                "source" if self.sources else "tag",
                f"{self.condition.known.title} is of the whole system, not of a source",
                "Leave the sources and tags out",
            )

    def _check_window(self) -> None:
        known = self.condition.known
        if not known.is_of_a_window:
            _check_range("for", self.window_s, 0, MAX_WINDOW_S, " s")
        elif self.window_s % MINUTE_S or not MINUTE_S <= self.window_s <= MAX_WINDOW_S:
            raise AlertError(
                "for",
                f"a window of {duration_text(self.window_s)} is not possible: {known.title} is "
                "kept by minute",
                "Use whole minutes, 1m to 24h",
            )
        if self.window_s > self.hours.longest_minutes * MINUTE_S:
            raise AlertError(
                "for",
                "the window is longer than the longest of the hours, so the rule would never fire",
                f"Use at most {self.hours.longest_minutes}m, or longer hours",
            )

    def _check_clears_at(self) -> None:
        known, limit = self.condition.known, self.condition.limit
        if self.clears_at is None:
            return
        if not known.least <= self.clears_at <= known.most and self.clears_at != 0:
            raise AlertError(
                "clears_at",
                f"{shown(known, self.clears_at)} is not a value that {known.title} can have",
                f"Use {shown(known, known.least)} to {shown(known, known.most)}",
            )
        if self.condition.is_beyond(self.clears_at, limit):
            side = "at or below" if self.condition.above else "at or above"
            raise AlertError(
                "clears_at",
                f"the alert would end at {shown(known, self.clears_at)}, where it begins",
                f"Use a value {side} the limit, {shown(known, limit)}",
            )

    @property
    def end_limit(self) -> float:
        """The value at which an open alert ends."""
        return self.condition.limit if self.clears_at is None else self.clears_at

    @property
    def lasts_s(self) -> int:
        """The time for which a sampled measure must be beyond its limit."""
        return self.window_s if self.condition.known.is_of_the_system else 0

    @property
    def sentence(self) -> str:
        """The condition and its window for people."""
        known = self.condition.known
        if not self.window_s or not (known.is_of_a_window or known.is_of_the_system):
            return self.condition.sentence
        return f"{self.condition.sentence} for {duration_text(self.window_s)}"


def check_name(field: str, name: str) -> None:
    """Raise AlertError unless a rule or target may have this name."""
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        raise AlertError(
            field,
            f"{name[:MAX_NAME_LENGTH]!r} is not a valid name",
            f"Use 1 to {MAX_NAME_LENGTH} characters without / and line ends",
        )


def duration_text(seconds: float) -> str:
    """Return a duration for people: 90 s, 5 min, 2 h, 3 d."""
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{int(seconds // length)} {unit}"
    return f"{seconds:g} s"


def _check_range(field: str, value: float, least: float, most: float, unit: str) -> None:
    if not least <= value <= most:
        raise AlertError(
            field,
            f"{value:,.10g}{unit} is out of bounds",
            f"Use {least:,.10g}{unit} to {most:,.10g}{unit}",
        )
