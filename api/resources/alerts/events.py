"""Alerts: what rules saw, and who took note of it."""

from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Path, Query
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection

from analytics.alerts.documents import event_document
from analytics.snapshots import in_snapshot
from api.access import visible_sources
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.fields import Answer
from api.conventions.pages import Page, PageArguments
from contracts.alerts.events import EventKind, Reason
from contracts.errors import ApiError
from records.alerts.events import EventFilter, KnownEvent, acknowledge, find_event, list_events
from serving.access import current_account
from serving.backend import Backend

_TAG = "alerts"
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the alert.")]


class Alert(Answer):
    """An alert that fired, or its end."""

    number: int
    id: str = Field(description="The `webhook-id` of its deliveries.")
    kind: EventKind
    rule: str
    severity: str
    source: str | None = Field(description="`null` for what is of no source.")
    at: datetime
    value: float | None = Field(description="What was measured.")
    measure: str | None
    condition: str
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    open: bool = Field(description="Whether it fired and was not resolved.")
    reason: Reason | None = Field(description="Why it was resolved.")
    limit: float = Field(description="Of the condition, in `unit`: shares as 0..1.")
    unit: str
    person_seconds: float | None = Field(description="In the time that was looked at.")
    coverage: float | None = Field(description="Of the time that was looked at.")
    note: str
    opened_by: int | None = Field(description="Number of the alert that this one resolves.")
    muted: bool = Field(description="Whether nothing was delivered, as the rule was muted.")


class AlertArguments(PageArguments):
    """Which alerts."""

    rule: Annotated[str, Field(max_length=64, description="Only of this rule.")] = ""
    kind: EventKind | None = None
    open: Annotated[
        bool | None, Field(description="Only alerts that are open; false: only the others.")
    ] = None
    since: Annotated[AwareDatetime | None, Field(alias="from", description="From this time.")] = (
        None
    )
    until: Annotated[AwareDatetime | None, Field(alias="to", description="Before this time.")] = (
        None
    )


def add_alerts(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""

    @app.get("/alerts", tags=[_TAG])
    def get_alerts(asked: Annotated[AlertArguments, Query()]) -> Page[Alert]:
        """Alerts that fired and that were resolved, newest first."""
        return in_snapshot(backend.engine, _page, asked)

    @app.get("/alerts/{number}", tags=[_TAG])
    def get_alert(number: Number) -> Alert:
        """One alert."""
        return _shown(in_snapshot(backend.engine, _alert, number))

    @app.post("/alerts/{number}/acknowledge", tags=[_TAG])
    def acknowledge_alert(number: Number) -> Alert:
        """Take note of an alert. The first who did stays noted."""
        found = in_snapshot(backend.engine, _alert, number)
        if found.kind is not EventKind.FIRED:
            raise ApiError("conflict", "only an alert that fired can be acknowledged")
        acknowledge(backend.engine, number, actor=current_account().actor)
        return _shown(in_snapshot(backend.engine, _alert, number))


def _page(connection: Connection, asked: AlertArguments) -> Page[Alert]:
    before = int(read_cursor(asked.cursor, _TAG, [int])[0]) if asked.cursor else None
    kinds = () if asked.kind is None else (asked.kind,)
    within = visible_sources()
    chosen = EventFilter(
        asked.rule, within, asked.since, asked.until, kinds, before, is_open=asked.open
    )
    found = list_events(connection, chosen, asked.limit + 1)
    page = found[: asked.limit]
    more = len(found) > len(page)
    return Page[Alert](
        items=[_shown(one) for one in page],
        next=write_cursor(_TAG, [page[-1].pk]) if more else None,
    )


def _alert(connection: Connection, number: int) -> KnownEvent:
    """Return an alert. Raises ApiError if the asker sees none with this number."""
    found = find_event(connection, number)
    within = visible_sources()
    if found is None or (within is not None and found.subject not in within):
        raise ApiError("not-found", f"no alert {number}", hint="List them: GET /alerts")
    return found


def _shown(event: KnownEvent) -> Alert:
    return Alert.model_validate(event_document(event))
