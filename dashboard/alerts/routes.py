"""The routes of the page Alerts. Changes of rules need the role operator."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from analytics.alerts.documents import (
    event_document,
    preview_document,
    rule_document,
    rule_fields,
)
from analytics.alerts.preview import preview
from analytics.alerts.rule_sources import rule_sources
from analytics.snapshots import in_snapshot, snapshot
from contracts.alerts.rule import AlertRule
from contracts.errors import AlertError
from contracts.times import utc_now
from dashboard.alerts.fields import Acknowledged, EditedRule, Mute, Named, RuleFields
from dashboard.alerts.targets import target_routes
from dashboard.web.json_values import json_values
from records.alerts.by_hand import queue_rule_tests
from records.alerts.events import (
    EventFilter,
    acknowledge,
    list_deliveries,
    list_events,
    open_alerts,
)
from records.alerts.rule_json import Keys
from records.alerts.rules import (
    add_rule,
    edit_rule,
    list_rules,
    mute_rule,
    remove_rule,
)
from records.alerts.targets import list_targets
from serving.access import Role, require_role
from serving.backend import Backend

_HISTORY = 100


def routes(backend: Backend) -> APIRouter:
    """Return GET overview, history and bell, POST preview, ack and rules/..., and targets/...."""
    router = APIRouter()
    router.include_router(target_routes(backend))
    engine = backend.engine

    @router.get("/overview")
    def overview() -> Any:
        return json_values(in_snapshot(engine, _overview))

    @router.get("/history")
    def history(rule: Annotated[str, Query(max_length=64)] = "", before: int | None = None) -> Any:
        chosen = EventFilter(rule, before_pk=before)
        return json_values(in_snapshot(engine, _history, chosen))

    @router.get("/bell")
    def bell() -> dict[str, Any]:
        alerts = in_snapshot(engine, open_alerts)
        return {"open": len(alerts), "new": sum(one.acknowledged_at is None for one in alerts)}

    @router.post("/preview")
    def drawn(asked: RuleFields) -> Any:
        require_role(Role.OPERATOR)
        try:
            rule = _rule(asked)
            with snapshot(engine) as connection:
                found = preview(connection, rule, utc_now())
        except AlertError as exc:  # Somebody is still typing it.
            return {"error": exc.line(), "field": exc.field}
        return json_values(preview_document(found) | {"rule": rule_fields(rule)})

    @router.post("/ack")
    def ack(asked: Acknowledged) -> dict[str, bool]:
        account = require_role(Role.OPERATOR)
        acknowledge(engine, asked.number, actor=account.actor)
        return {"acknowledged": True}

    @router.post("/rules/add")
    def add(asked: RuleFields) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        rule = _rule(asked)
        add_rule(engine, rule, actor=account.actor)
        return {"name": rule.name}

    @router.post("/rules/edit")
    def edit(asked: EditedRule) -> dict[str, str]:
        account = require_role(Role.OPERATOR)
        rule = _rule(asked.rule)
        edit_rule(engine, asked.name, rule, actor=account.actor)
        return {"name": rule.name}

    @router.post("/rules/remove")
    def remove(asked: Named) -> dict[str, bool]:
        account = require_role(Role.OPERATOR)
        remove_rule(engine, asked.name, actor=account.actor)
        return {"removed": True}

    @router.post("/rules/mute")
    def mute(asked: Mute) -> dict[str, bool]:
        account = require_role(Role.OPERATOR)
        until = utc_now() + timedelta(minutes=asked.minutes) if asked.minutes else None
        mute_rule(engine, asked.name, until, actor=account.actor)
        return {"muted": until is not None}

    @router.post("/rules/test")
    def test(asked: Named) -> dict[str, list[int]]:
        account = require_role(Role.OPERATOR)
        found = queue_rule_tests(engine, asked.name, actor=account.actor)
        return {"events": [one.event for one in found]}

    def _rule(asked: RuleFields) -> AlertRule:
        return asked.typed().rule(str(backend.settings.timezone))

    return router


def _overview(connection: Connection) -> dict[str, Any]:
    alerts, now = open_alerts(connection), utc_now()
    sources = rule_sources(connection, Keys(None, None), ())
    return {
        "open": [event_document(one) for one in alerts],
        "rules": [rule_document(one, alerts, now) for one in list_rules(connection)],
        "targets": list_targets(connection),
        "sources": [one.name for one in sources],
        "tags": sorted({tag for one in sources for tag in one.tags}),
    }


def _history(connection: Connection, chosen: EventFilter) -> dict[str, Any]:
    events = list_events(connection, chosen, _HISTORY)
    return {
        "events": [
            event_document(one)
            | {"deliveries": list_deliveries(connection, event_pk=one.pk, limit=20)}
            for one in events
        ],
        "more": len(events) == _HISTORY,
    }
