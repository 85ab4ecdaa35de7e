"""Rules, events and previews as JSON documents, for commands, pages and the API. Times: UTC."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from analytics.alerts.preview import STEP, Preview
from contracts.alerts.rule import AlertRule
from contracts.alerts.typed_rule import typed_rule
from records.alerts.events import KnownEvent
from records.alerts.rules import KnownRule

Document = dict[str, Any]


def rule_document(known: KnownRule, alerts: Sequence[KnownEvent], now: datetime) -> Document:
    """Return a rule as it is typed, with its state. alerts: the open ones, of all rules."""
    return rule_fields(known.rule) | {
        "created_at": known.created_at,
        "created_by": known.created_by,
        "evaluated_until": known.evaluated_until,
        "muted_until": known.muted_until if known.is_muted(now) else None,
        "muted_by": known.muted_by if known.is_muted(now) else "",
        "open": sum(one.rule == known.rule.name for one in alerts),
    }


def rule_fields(rule: AlertRule) -> Document:
    """Return the fields of a rule: as they are typed, and the numbers that they stand for."""
    texts = asdict(typed_rule(rule))
    texts["for"] = texts.pop("lasting")
    return texts | {
        "sentence": rule.sentence,
        "measure": rule.condition.measure,
        "above": rule.condition.above,
        "limit": rule.condition.limit,
        "end_limit": rule.end_limit,
        "unit": rule.condition.known.unit,
        "window_s": rule.window_s,
        "cooldown_s": rule.cooldown_s,
    }


def event_document(event: KnownEvent) -> Document:
    """Return an event, with what was seen."""
    details = event.details
    return {
        "number": event.pk,
        "id": event.message_id,
        "kind": event.kind,
        "rule": event.rule,
        "severity": event.severity,
        "source": event.source or None,
        "at": event.at,
        "recorded_at": event.recorded_at,
        "value": event.value,
        "measure": details.measure or None,
        "condition": details.condition,
        "limit": details.limit,
        "unit": details.unit,
        "window": {"since": details.since, "until": details.until},
        "person_seconds": details.person_s,
        "coverage": details.coverage,
        "reason": details.reason or None,
        "note": details.note,
        "opened_by": event.opened_by,
        "open": event.is_open,
        "resolved_at": event.resolved_at,
        "acknowledged_at": event.acknowledged_at,
        "acknowledged_by": event.acknowledged_by,
        "muted": event.muted,
    }


def preview_document(found: Preview) -> Document:
    """Return a preview. points: of each step of step_s seconds, the value furthest to the alarm."""
    return {
        "since": found.since,
        "until": found.until,
        "step_s": STEP.total_seconds(),
        "kept": found.kept,
        "left_out": found.left_out,
        "firings": found.firings,
        "sources": [
            {
                "source": one.source,
                "generated": one.generated,
                "firings": [asdict(firing) for firing in one.firings],
                "points": one.points,
            }
            for one in found.sources
        ],
    }
