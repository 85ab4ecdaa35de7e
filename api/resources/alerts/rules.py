"""GET and POST /alerts/rules, PATCH and DELETE of one, and its mute, unmute and test."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import FastAPI, Path, Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from analytics.alerts.documents import preview_document
from analytics.alerts.preview import preview
from analytics.snapshots import in_snapshot
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.fields import Answer, Body, Text, example
from api.conventions.pages import Page, PageArguments
from api.conventions.problems import documented_problems
from api.resources.alerts.rule import (
    NewRule,
    Rule,
    RuleChange,
    is_visible,
    require_own_sources,
    rule_of,
    visible_rule,
)
from contracts.alerts.rule import MAX_NAME_LENGTH, AlertRule
from contracts.alerts.typed_rule import typed_seconds
from contracts.times import utc_now
from records.alerts.by_hand import queue_rule_tests
from records.alerts.events import open_alerts
from records.alerts.rules import add_rule, edit_rule, list_rules, mute_rule, remove_rule
from serving.access import current_account
from serving.backend import Backend

_TAG: Final = "alerts"
_CURSOR: Final = "rules"
RuleName = Annotated[
    str, Path(min_length=1, max_length=MAX_NAME_LENGTH, description="Name of the rule.")
]


class Mute(Body):
    """How long nothing of a rule is delivered."""

    model_config = (
        Body.model_config
        | ConfigDict(validate_by_name=True, validate_by_alias=True)
        | example(**{"for": "2h"})
    )

    lasting: Annotated[
        Text, Field(alias="for", max_length=40, description="At most 365 days: 30m, 8h, 2d.")
    ] = "1h"


class QueuedTest(Answer):
    """A test message for a target."""

    target: str
    event: int = Field(description="`GET /alerts/deliveries?alert=` shows what became of it.")


class QueuedTests(Answer):
    """The test messages, which are sent within seconds while a scheduler runs."""

    tests: list[QueuedTest]


class Firing(Answer):
    """A time in which an alert would have been open."""

    at: datetime
    value: float | None
    ended_at: datetime | None = Field(description="`null`: it still would be.")


class SourcePreview(Answer):
    """The alerts that a rule would have raised for one source."""

    source: str
    generated: bool
    firings: list[Firing]
    points: list[float | None] = Field(
        description="Of each step, the value furthest to the alarm; `null`: too little was seen."
    )


class Preview(Answer):
    """The alerts that a rule would have raised in the last seven days."""

    since: datetime
    until: datetime
    step_s: float = Field(description="Seconds of a step of `points`.")
    kept: bool = Field(description="Whether the measure has a past: lag and disk have none.")
    left_out: int = Field(description="Sources that were not looked at, because there are many.")
    firings: int = Field(description="How often it would have fired.")
    sources: list[SourcePreview]


def add_alert_rules(app: FastAPI, backend: Backend) -> None:
    """Add the routes."""
    engine, zone = backend.engine, str(backend.settings.timezone)
    taken = documented_problems("conflict")

    @app.get("/alerts/rules", tags=[_TAG])
    def list_alert_rules(asked: Annotated[PageArguments, Query()]) -> Page[Rule]:
        """The rules, by name."""
        return in_snapshot(engine, _page, asked)

    @app.post("/alerts/rules", status_code=HTTPStatus.CREATED, tags=[_TAG], responses=taken)
    def create_alert_rule(new: NewRule) -> Rule:
        """Add a rule, which is evaluated from now on."""
        rule = new.rule(zone)
        in_snapshot(engine, require_own_sources, rule)
        add_rule(engine, rule, actor=current_account().actor)
        return in_snapshot(engine, _rule, rule.name)

    @app.post("/alerts/rules/preview", tags=[_TAG])
    def preview_alert_rule(new: NewRule) -> Preview:
        """How often a rule would have fired in the last seven days. Nothing is stored."""
        return in_snapshot(engine, _preview, new.rule(zone))

    @app.get("/alerts/rules/{name}", tags=[_TAG])
    def get_alert_rule(name: RuleName) -> Rule:
        """One rule."""
        return in_snapshot(engine, _rule, name)

    @app.patch("/alerts/rules/{name}", tags=[_TAG], responses=taken)
    def change_alert_rule(name: RuleName, change: RuleChange) -> Rule:
        """Change a rule. An open alert ends if its rule could judge the same facts otherwise."""
        rule = change.rule(in_snapshot(engine, visible_rule, name).rule, zone)
        in_snapshot(engine, require_own_sources, rule)
        edit_rule(engine, name, rule, actor=current_account().actor)
        return in_snapshot(engine, _rule, rule.name)

    @app.delete("/alerts/rules/{name}", status_code=HTTPStatus.NO_CONTENT, tags=[_TAG])
    def delete_alert_rule(name: RuleName) -> Response:
        """Remove a rule. Its open alerts end; its history stays."""
        in_snapshot(engine, visible_rule, name)
        remove_rule(engine, name, actor=current_account().actor)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @app.post("/alerts/rules/{name}/mute", tags=[_TAG])
    def mute_alert_rule(name: RuleName, asked: Mute) -> Rule:
        """Deliver nothing of a rule for a while. Its alerts are still recorded."""
        in_snapshot(engine, visible_rule, name)
        until = utc_now() + timedelta(seconds=typed_seconds("for", asked.lasting))
        mute_rule(engine, name, until, actor=current_account().actor)
        return in_snapshot(engine, _rule, name)

    @app.post("/alerts/rules/{name}/unmute", tags=[_TAG])
    def unmute_alert_rule(name: RuleName) -> Rule:
        """Deliver the alerts of a rule again from now on."""
        in_snapshot(engine, visible_rule, name)
        mute_rule(engine, name, None, actor=current_account().actor)
        return in_snapshot(engine, _rule, name)

    @app.post("/alerts/rules/{name}/test", status_code=HTTPStatus.ACCEPTED, tags=[_TAG])
    def test_alert_rule(name: RuleName) -> QueuedTests:
        """Send a test message to each target of a rule."""
        in_snapshot(engine, visible_rule, name)
        found = queue_rule_tests(engine, name, actor=current_account().actor)
        return QueuedTests(tests=[QueuedTest.model_validate(one) for one in found])


def _page(connection: Connection, asked: PageArguments) -> Page[Rule]:
    after = str(read_cursor(asked.cursor, _CURSOR, [str])[0]) if asked.cursor else ""
    alerts = open_alerts(connection)
    found = sorted(
        (one for one in list_rules(connection) if is_visible(one) and one.rule.name > after),
        key=lambda one: one.rule.name,
    )
    page = found[: asked.limit]
    more = len(found) > len(page)
    return Page[Rule](
        items=[rule_of(one, alerts) for one in page],
        next=write_cursor(_CURSOR, [page[-1].rule.name]) if more else None,
    )


def _rule(connection: Connection, name: str) -> Rule:
    return rule_of(visible_rule(connection, name), open_alerts(connection))


def _preview(connection: Connection, rule: AlertRule) -> Preview:
    require_own_sources(connection, rule)
    return Preview.model_validate(preview_document(preview(connection, rule, utc_now())))
