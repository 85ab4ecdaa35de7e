"""The routes by which admins manage who is told. Operators may see and test them."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from analytics.snapshots import in_snapshot, snapshot
from contracts.times import utc_now
from dashboard.alerts.fields import Named, Replay
from dashboard.alerts.target_fields import EditedTarget, NewTarget
from dashboard.web.json_values import json_values
from records.alerts.by_hand import stop_target
from records.alerts.events import list_deliveries
from records.alerts.replays import replay_deliveries
from records.alerts.targets import (
    add_target,
    edit_target,
    enable_target,
    find_target,
    new_secret,
    open_target,
    queue_test,
    remove_target,
)
from records.sources.sealing import Sealer
from serving.access import Role, require_role
from serving.alert_targets import changed_target, checked_target
from serving.backend import Backend

_REPLAYED = timedelta(days=1)


def target_routes(backend: Backend) -> APIRouter:
    """Return GET deliveries, and POST targets/add, edit, test, enable, disable, replay, remove.

    What is added here reaches the internet, and hosts of private networks that the owner of this
    host named: see runtime/network/connection_guard.py.
    """
    router = APIRouter()
    engine, settings = backend.engine, backend.settings

    def sealer() -> Sealer:
        return Sealer(settings.secret_key, settings.home_path)

    @router.get("/deliveries")
    def deliveries(
        target: Annotated[str, Query(max_length=64)] = "", event: int | None = None
    ) -> Any:
        found = in_snapshot(engine, list_deliveries, target=target, event_pk=event, limit=100)
        return json_values({"deliveries": found})

    @router.post("/targets/add")
    def add(asked: NewTarget) -> dict[str, str]:
        account = require_role(Role.ADMIN)
        target = checked_target(
            settings, asked.name.strip(), asked.address(), private=False, secret=new_secret()
        )
        add_target(engine, sealer(), target, actor=account.actor)
        return {"name": target.name, "secret": target.secret}

    @router.post("/targets/edit")
    def edit(asked: EditedTarget) -> dict[str, str]:
        account = require_role(Role.ADMIN)
        with snapshot(engine) as connection:
            known = open_target(connection, sealer(), find_target(connection, asked.of).pk)
        assert known is not None
        address = None if asked.is_empty else asked.address()
        target = changed_target(
            settings, known, name=asked.name.strip(), address=address, renew=asked.new_secret
        )
        edit_target(engine, sealer(), target, name=asked.of, actor=account.actor)
        return {
            "name": target.name,
            "secret": "" if target.secret == known.secret else target.secret,
        }

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
        stop_target(engine, asked.name, actor=require_role(Role.ADMIN).actor)
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
