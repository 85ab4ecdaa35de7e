"""The routes by which admins manage who is told. Operators may see and test them."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from analytics.snapshots import in_snapshot
from contracts.alerts.events import TargetKind
from contracts.alerts.target import AlertTarget, webhook_parts
from contracts.times import utc_now
from dashboard.alerts.fields import Named, NewWebhook, Replay
from dashboard.web.json_values import json_values
from records.alerts.events import list_deliveries
from records.alerts.replays import replay_deliveries
from records.alerts.silent_targets import BY_HAND
from records.alerts.targets import (
    add_target,
    disable_target,
    enable_target,
    find_target,
    new_secret,
    queue_test,
    remove_target,
)
from records.database import transaction
from records.sources.sealing import Sealer
from runtime.network.webhook_hosts import check_webhook_host
from serving.access import Role, require_role
from serving.backend import Backend

_REPLAYED = timedelta(days=1)


def target_routes(backend: Backend) -> APIRouter:
    """Return GET deliveries, and POST targets/add, test, enable, disable, replay and remove.

    Only webhooks are added here: a URL of Apprise can make this host connect to any other one.
    """
    router = APIRouter()
    engine, settings = backend.engine, backend.settings

    @router.get("/deliveries")
    def deliveries(
        target: Annotated[str, Query(max_length=64)] = "", event: int | None = None
    ) -> Any:
        found = in_snapshot(engine, list_deliveries, target=target, event_pk=event, limit=100)
        return json_values({"deliveries": found})

    @router.post("/targets/add")
    def add(asked: NewWebhook) -> dict[str, str]:
        account = require_role(Role.ADMIN)
        target = AlertTarget(asked.name.strip(), TargetKind.WEBHOOK, asked.url, new_secret())
        check_webhook_host(webhook_parts(asked.url).hostname or "", allowed=settings.alert_hosts)
        sealer = Sealer(settings.secret_key, settings.home_path)
        add_target(engine, sealer, target, actor=account.actor)
        return {"name": target.name, "secret": target.secret}

    @router.post("/targets/test")
    def test(asked: Named) -> dict[str, list[int]]:
        account = require_role(Role.OPERATOR)
        return {"events": [queue_test(engine, asked.name, actor=account.actor)]}

    @router.post("/targets/enable")
    def enable(asked: Named) -> dict[str, bool]:
        enable_target(engine, asked.name, actor=require_role(Role.ADMIN).actor)
        return {"enabled": True}

    @router.post("/targets/disable")
    def disable(asked: Named) -> dict[str, bool]:
        actor = require_role(Role.ADMIN).actor
        with transaction(engine) as connection:
            known = find_target(connection, asked.name)
            reason = f"{BY_HAND}{actor}"
            disable_target(connection, known.pk, reason, now=utc_now(), actor=actor)
        return {"disabled": True}

    @router.post("/targets/replay")
    def replay(asked: Replay) -> dict[str, int]:
        account = require_role(Role.OPERATOR)
        since = utc_now() - _REPLAYED
        count = replay_deliveries(engine, asked.name, since, asked.number, actor=account.actor)
        return {"deliveries": count}

    @router.post("/targets/remove")
    def remove(asked: Named) -> dict[str, bool]:
        remove_target(engine, asked.name, actor=require_role(Role.ADMIN).actor)
        return {"removed": True}

    return router
