"""TypedRule: a rule as a person types it, in a command, a form or a file."""

import re
from dataclasses import dataclass
from typing import Final

from contracts.alerts.condition import Condition, parse_value, plain, typed
from contracts.alerts.measures import COVERAGE, MEASURES
from contracts.alerts.rule import (
    DEFAULT_MIN_COVERAGE,
    DEFAULT_MIN_PERSON_S,
    DEFAULT_WINDOW_S,
    AlertRule,
    Severity,
)
from contracts.alerts.week_hours import WeekHours
from contracts.errors import AlertError

_DURATION: Final = re.compile(r"(\d{1,6})\s*(s|m|min|h|d)")
_UNIT_S: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class TypedRule:
    """The texts of a rule; "" for what was not given. lasting: the field `for`.

    when: as `angry > 30%`. lasting, cooldown: as 5m. clears_at: a value of the measure.
    min_coverage: as 60%. hours: as `mon-fri 08:00-18:00`. zone: "" for `default_zone`.
    """

    name: str
    when: str
    lasting: str = ""
    clears_at: str = ""
    cooldown: str = ""
    min_person_seconds: float | None = None
    min_coverage: str = ""
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    hours: str = ""
    zone: str = ""
    severity: Severity = Severity.WARNING
    to: tuple[str, ...] = ()

    def rule(self, default_zone: str = "UTC") -> AlertRule:
        """Return the rule. Raises AlertError, which names the wrong field."""
        condition = Condition.parse(self.when)
        known = condition.known
        usual_s = DEFAULT_WINDOW_S if known.is_of_a_window or known.is_of_the_system else 0
        least = self.min_person_seconds
        return AlertRule(
            name=self.name.strip(),
            condition=condition,
            window_s=typed_seconds("for", self.lasting) if self.lasting else usual_s,
            clears_at=parse_value(known, self.clears_at, "clears_at") if self.clears_at else None,
            cooldown_s=typed_seconds("cooldown", self.cooldown) if self.cooldown else 0,
            min_person_s=DEFAULT_MIN_PERSON_S if least is None else least,
            min_coverage=(
                parse_value(MEASURES[COVERAGE], self.min_coverage, "min_coverage")
                if self.min_coverage
                else DEFAULT_MIN_COVERAGE
            ),
            sources=tuple(dict.fromkeys(self.sources)),
            tags=tuple(dict.fromkeys(self.tags)),
            hours=WeekHours.parse(self.hours, self.zone or default_zone),
            severity=self.severity,
            targets=tuple(dict.fromkeys(self.to)),
        )


def typed_rule(rule: AlertRule) -> TypedRule:
    """Return the texts of a rule: `.rule()` of them gives the same one."""
    known = rule.condition.known
    return TypedRule(
        name=rule.name,
        when=rule.condition.text,
        lasting=typed_duration(rule.window_s),
        clears_at="" if rule.clears_at is None else typed(known, rule.clears_at),
        cooldown=typed_duration(rule.cooldown_s) if rule.cooldown_s else "",
        min_person_seconds=rule.min_person_s,
        min_coverage=f"{plain(rule.min_coverage * 100)}%",
        sources=rule.sources,
        tags=rule.tags,
        hours=rule.hours.text,
        zone=rule.hours.zone,
        severity=rule.severity,
        to=rule.targets,
    )


def typed_duration(seconds: int) -> str:
    """Return a duration as it is typed: 90s, 5m, 2h, 3d."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNIT_S[unit] == 0:
            return f"{seconds // _UNIT_S[unit]}{unit}"
    return f"{seconds}s"


def typed_seconds(field: str, text: str) -> int:
    """Return a duration that a person typed, such as 5m, in seconds.

    field: to be named in an AlertError, which is raised if it is not valid.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise AlertError(field, f"{text!r} is not a duration", "For example 90s, 5m, 2h or 1d")
    return int(found[1]) * _UNIT_S[found[2]]
