"""GET /alerts/deliveries, and POST /alerts/targets/{name}/replay."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import FastAPI, Query
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from analytics.snapshots import in_snapshot
from api.access import require_all_sources
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.fields import Answer, Body, Text, example
from api.conventions.pages import Page, PageArguments
from api.resources.alerts.targets import TargetName, known_target
from contracts.alerts.events import DeliveryState, EventKind, TargetKind
from contracts.alerts.rule import MAX_NAME_LENGTH
from contracts.alerts.typed_rule import typed_seconds
from contracts.times import utc_now
from records.alerts.events import KnownDelivery, list_deliveries
from records.alerts.replays import replay_deliveries
from serving.access import current_account
from serving.backend import Backend

_TAG: Final = "alerts"
_LARGEST: Final = 2**31 - 1
_LONGEST: Final = timedelta(days=365)


class Replay(Body):
    """The deliveries to queue again, with the same ids."""

    model_config = Body.model_config | example(last="24h")

    last: Annotated[
        Text, Field(max_length=40, description="What did not arrive in this time: 30m, 8h, 2d.")
    ] = "24h"
    delivery: Annotated[
        int | None, Field(ge=1, le=_LARGEST, description="This one alone, even if it arrived.")
    ] = None


class Replayed(Answer):
    """The number of deliveries that were queued again."""

    deliveries: int


class Delivery(Answer):
    """One event for one target."""

    number: int
    target: str
    target_kind: TargetKind
    alert: int = Field(description="Number of the alert, or of the test.")
    id: str = Field(description="The `webhook-id`.")
    kind: EventKind
    rule: str
    source: str | None
    state: DeliveryState
    attempts: int
    next_at: datetime | None = Field(description="The next attempt; `null` if it has ended.")
    created_at: datetime
    ended_at: datetime | None
    result: str = Field(description="How the last attempt ended.")


class DeliveryArguments(PageArguments):
    """Which deliveries."""

    model_config = ConfigDict(populate_by_name=True)

    target: Annotated[
        str, Field(max_length=MAX_NAME_LENGTH, description="Only to this target.")
    ] = ""
    alert: Annotated[
        int | None, Field(ge=1, le=_LARGEST, description="Only of the alert with this number.")
    ] = None


def add_deliveries(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""
    engine = backend.engine

    @app.post("/alerts/targets/{name}/replay", status_code=HTTPStatus.ACCEPTED, tags=[_TAG])
    def replay_alert_target(name: TargetName, asked: Replay) -> Replayed:
        """Deliver again what did not arrive. What waits is attempted at once, too."""
        known_target(backend, name)
        lasting = timedelta(seconds=typed_seconds("last", asked.last))
        since = utc_now() - min(lasting, _LONGEST)
        actor = current_account().actor
        count = replay_deliveries(engine, name, since, asked.delivery, actor=actor)
        return Replayed(deliveries=count)

    @app.get("/alerts/deliveries", tags=[_TAG])
    def list_alert_deliveries(asked: Annotated[DeliveryArguments, Query()]) -> Page[Delivery]:
        """The deliveries of alerts to targets, newest first."""
        require_all_sources()
        return in_snapshot(engine, _deliveries, asked)


def _deliveries(connection: Connection, asked: DeliveryArguments) -> Page[Delivery]:
    before = int(read_cursor(asked.cursor, "deliveries", [int])[0]) if asked.cursor else None
    found = list_deliveries(
        connection,
        target=asked.target,
        event_pk=asked.alert,
        before_pk=before,
        limit=asked.limit + 1,
    )
    page = found[: asked.limit]
    more = len(found) > len(page)
    return Page[Delivery](
        items=[_delivery(one) for one in page],
        next=write_cursor("deliveries", [page[-1].pk]) if more else None,
    )


def _delivery(known: KnownDelivery) -> Delivery:
    is_waiting = known.state is DeliveryState.WAITING
    return Delivery(
        number=known.pk,
        target=known.target,
        target_kind=known.target_kind,
        alert=known.event_pk,
        id=known.message_id,
        kind=known.kind,
        rule=known.rule,
        source=known.source or None,
        state=known.state,
        attempts=known.attempts,
        next_at=known.next_at if is_waiting else None,
        created_at=known.created_at,
        ended_at=known.ended_at,
        result=known.result,
    )
