"""Messages: an event as JSON for programs, and as text for people."""

import json
from dataclasses import dataclass
from typing import Any, Final

from contracts.alerts.condition import value_text
from contracts.alerts.events import REASON_TEXTS, EventKind
from records.alerts.events import KnownEvent

MAX_BODY_BYTES: Final = 20_000
_MAX_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class Message:
    """An event to deliver. id: the same at each attempt and target. body: JSON, below 20 kB.

    title, text: for people. severity: of the rule.
    """

    id: str
    kind: EventKind
    severity: str
    body: str
    title: str
    text: str


def message_of(event: KnownEvent, alert_id: str) -> Message:
    """Return the message of an event. alert_id: the id of the event that opened the alert."""
    title, text = _title(event), _text(event)
    body = json.dumps(
        {
            "type": f"alert.{event.kind}",
            "timestamp": event.at.isoformat(),
            "data": _data(event, alert_id) | {"title": title, "text": text},
        },
        ensure_ascii=False,
    )
    return Message(event.message_id, event.kind, event.severity, body, title, text)


def _data(event: KnownEvent, alert_id: str) -> dict[str, Any]:
    details = event.details
    return {
        "id": event.message_id,
        "alert": alert_id,
        "rule": event.rule,
        "severity": event.severity,
        "source": event.source[:_MAX_NAME] or None,
        "measure": details.measure or None,
        "condition": details.condition,
        "value": event.value,
        "limit": details.limit,
        "unit": details.unit or None,
        "window": {"since": details.since.isoformat(), "until": details.until.isoformat()},
        "person_seconds": details.person_s,
        "coverage": details.coverage,
        "reason": details.reason or None,
        "recorded_at": event.recorded_at.isoformat(),
    }


def _title(event: KnownEvent) -> str:
    if event.kind is EventKind.TEST:
        return "moodline: a test"
    place = f" ({event.source[:_MAX_NAME]})" if event.source else ""
    word = "Resolved" if event.kind is EventKind.RESOLVED else event.severity.capitalize()
    return f"{word}: {event.rule}{place}"


def _text(event: KnownEvent) -> str:
    details = event.details
    if event.kind is EventKind.TEST:
        return f"This target gets the alerts of moodline. {details.note}".strip()
    at = f"{details.until:%Y-%m-%d %H:%M} UTC"
    if event.kind is EventKind.RESOLVED:
        value = "" if event.value is None else f" Now {value_text(details.measure, event.value)}."
        return f"{details.condition}: {REASON_TEXTS[details.reason]}, {at}.{value}"
    covered = "" if details.coverage is None else f" {details.coverage:.0%} covered."
    value = value_text(details.measure, event.value)
    return f"{details.condition}: it was {value}, {at}.{covered}"
