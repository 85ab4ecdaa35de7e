"""Codecs of the text columns of alerts: the only place that knows their JSON keys."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contracts.alerts.condition import Condition
from contracts.alerts.events import EventDetails, Reason
from contracts.alerts.rule import AlertRule, Severity
from contracts.alerts.week_hours import WeekHours
from contracts.times import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class Keys:
    """The sources and targets of a rule, by key: renaming changes nothing. None: all of them."""

    sources: tuple[int, ...] | None
    targets: tuple[int, ...] | None


def encode_rule(rule: AlertRule, keys: Keys) -> str:
    """Return `alert_rules.definition`."""
    return json.dumps(
        {
            "measure": rule.condition.measure,
            "above": rule.condition.above,
            "limit": rule.condition.limit,
            "window_s": rule.window_s,
            "clears_at": rule.clears_at,
            "cooldown_s": rule.cooldown_s,
            "min_person_s": rule.min_person_s,
            "min_coverage": rule.min_coverage,
            "sources": keys.sources,
            "tags": rule.tags,
            "hours": rule.hours.text,
            "zone": rule.hours.zone,
            "severity": rule.severity,
            "targets": keys.targets,
        }
    )


def decode_keys(text: str) -> Keys:
    """Return what the rule in `alert_rules.definition` refers to. Raises ValueError."""
    values = json.loads(text)
    return Keys(_keys(values["sources"]), _keys(values["targets"]))


def decode_rule(
    name: str, text: str, sources: Mapping[int, str], targets: Mapping[int, str]
) -> AlertRule:
    """Return the rule in `alert_rules.definition`. Raises ValueError.

    sources, targets: present names by key. One that is gone is named by its key.
    """
    values = json.loads(text)
    return AlertRule(
        name=name,
        condition=Condition(values["measure"], values["above"], values["limit"]),
        window_s=values["window_s"],
        clears_at=values["clears_at"],
        cooldown_s=values["cooldown_s"],
        min_person_s=values["min_person_s"],
        min_coverage=values["min_coverage"],
        sources=_names(values["sources"], sources),
        tags=tuple(values["tags"]),
        hours=WeekHours(values["hours"], values["zone"]),
        severity=Severity(values["severity"]),
        targets=_names(values["targets"], targets),
    )


def encode_details(details: EventDetails) -> str:
    """Return `alert_events.details`."""
    values = asdict(details)
    return json.dumps(
        values | {"since": to_micros(details.since), "until": to_micros(details.until)}
    )


def decode_details(text: str) -> EventDetails:
    """Return the details in `alert_events.details`. Raises ValueError."""
    values: dict[str, Any] = json.loads(text)
    since, until = from_micros(values.pop("since")), from_micros(values.pop("until"))
    reason = Reason(values.pop("reason"))
    return EventDetails(since=since, until=until, reason=reason, **values)


def _keys(values: list[int] | None) -> tuple[int, ...] | None:
    return None if values is None else tuple(values)


def _names(keys: list[int] | None, names: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(names.get(key, f"#{key} (gone)") for key in keys or ())
