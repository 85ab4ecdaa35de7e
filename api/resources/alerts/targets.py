"""GET and POST /alerts/targets, PATCH and DELETE of one, and its test."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import FastAPI, Path, Query, Response
from pydantic import Field
from sqlalchemy import Connection

from analytics.snapshots import in_snapshot, snapshot
from api.access import require_all_sources
from api.conventions.cursors import read_cursor, write_cursor
from api.conventions.fields import Answer, Body, Text, example
from api.conventions.pages import Page, PageArguments
from api.conventions.problems import documented_problems
from api.conventions.route import needs
from api.resources.alerts.rules import QueuedTest
from contracts.alerts.events import TargetKind
from contracts.alerts.rule import MAX_NAME_LENGTH
from contracts.alerts.target import MAX_ADDRESS_LENGTH, AlertTarget
from contracts.errors import AlertNotFoundError, ApiError
from records.alerts.by_hand import stop_target
from records.alerts.targets import (
    KnownTarget,
    add_target,
    edit_target,
    enable_target,
    find_target,
    list_targets,
    new_secret,
    open_target,
    queue_test,
    remove_target,
)
from records.sources.sealing import Sealer
from records.users.roles import TokenScope
from serving.access import current_account
from serving.alert_targets import changed_target, checked_target
from serving.backend import Backend

_TAG: Final = "alerts"
_ADMIN: Final = needs(TokenScope.ADMIN)
_NOT_KEPT: Final = {"Cache-Control": "no-store"}
TargetName = Annotated[
    str, Path(min_length=1, max_length=MAX_NAME_LENGTH, description="Name of the target.")
]
_Name = Annotated[Text, Field(min_length=1, max_length=MAX_NAME_LENGTH, examples=["hooks"])]
_Url = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=MAX_ADDRESS_LENGTH,
        description="`https://` for a webhook, `mqtts://USER:PASSWORD@HOST/TOPIC`, or a URL of "
        "Apprise. A host in a private network must be in MOODLINE_ALERT_HOSTS.",
    ),
]


class NewTarget(Body):
    """A target to add. Its address is stored encrypted."""

    model_config = Body.model_config | example(name="hooks", url="https://example.com/moodline")

    name: _Name
    url: _Url


class TargetChange(Body):
    """Changes of a target. A field that is left out, or `null`, stays as it is."""

    model_config = Body.model_config | example(enabled=True)

    name: _Name | None = None
    url: _Url | None = None
    new_secret: Annotated[
        bool, Field(description="Sign what a webhook gets with another secret, in the answer.")
    ] = False
    enabled: bool | None = None


class Target(Answer):
    """A target: who is told. What may be secret in its address is left out."""

    name: str
    kind: TargetKind
    address: str
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    waiting: int = Field(description="Deliveries that wait for it.")
    failed: int = Field(description="Deliveries that it never got.")
    created_at: datetime
    created_by: str


class ChangedTarget(Target):
    """A target, and the secret with which a webhook verifies messages (Standard Webhooks)."""

    secret: str | None = Field(description="`null` unless it is new. It is not shown again.")


def add_alert_targets(app: FastAPI, backend: Backend) -> None:
    """Add the routes. Targets are of all sources: no token that is limited to some sees them."""
    engine = backend.engine

    def sealer() -> Sealer:
        return Sealer(backend.settings.secret_key, backend.settings.home_path)

    taken = documented_problems("conflict")

    @app.get("/alerts/targets", tags=[_TAG])
    def list_alert_targets(asked: Annotated[PageArguments, Query()]) -> Page[Target]:
        """The targets, by name."""
        require_all_sources()
        return in_snapshot(engine, _targets, asked)

    @app.post(
        "/alerts/targets",
        status_code=HTTPStatus.CREATED,
        tags=[_TAG],
        responses=taken,
        openapi_extra=_ADMIN,
    )
    def create_alert_target(new: NewTarget, response: Response) -> ChangedTarget:
        """Add a target. All rules without `to` tell it.

        A request that is repeated with its `Idempotency-Key` is a conflict: secrets are not kept.
        """
        require_all_sources()
        target = checked_target(
            backend.settings, new.name.strip(), new.url, private=False, secret=new_secret()
        )
        add_target(engine, sealer(), target, actor=current_account().actor)
        response.headers.update(_NOT_KEPT)
        return _changed(backend, target.name, target.secret)

    @app.get("/alerts/targets/{name}", tags=[_TAG])
    def get_alert_target(name: TargetName) -> Target:
        """One target."""
        return known_target(backend, name)

    @app.patch("/alerts/targets/{name}", tags=[_TAG], responses=taken, openapi_extra=_ADMIN)
    def change_alert_target(
        name: TargetName, change: TargetChange, response: Response
    ) -> ChangedTarget:
        """Change a target. What waits for it is dropped when it is disabled."""
        known, actor = known_target(backend, name), current_account().actor
        present, secret = name, ""
        if change.name is not None or change.url is not None or change.new_secret:
            target, secret = _edited(backend, sealer(), name, change)
            edit_target(engine, sealer(), target, name=name, actor=actor)
            present = target.name
        if change.enabled is True and not known.enabled:
            enable_target(engine, present, actor=actor)
        elif change.enabled is False and known.enabled:
            stop_target(engine, present, actor=actor)
        response.headers.update(_NOT_KEPT)
        return _changed(backend, present, secret)

    @app.delete(
        "/alerts/targets/{name}",
        status_code=HTTPStatus.NO_CONTENT,
        tags=[_TAG],
        openapi_extra=_ADMIN,
    )
    def delete_alert_target(name: TargetName) -> Response:
        """Remove a target, with what waits for it."""
        known_target(backend, name)
        remove_target(engine, name, actor=current_account().actor)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @app.post(
        "/alerts/targets/{name}/test",
        status_code=HTTPStatus.ACCEPTED,
        tags=[_TAG],
        responses=taken,
    )
    def test_alert_target(name: TargetName) -> QueuedTest:
        """Send a test message to a target."""
        known = known_target(backend, name)
        if not known.enabled:
            why = f"the target is disabled: {known.disabled_reason}"
            raise ApiError("conflict", why, hint="Enable it first")
        event = queue_test(engine, name, actor=current_account().actor)
        return QueuedTest(target=name, event=event)


def _edited(
    backend: Backend, sealer: Sealer, name: str, change: TargetChange
) -> tuple[AlertTarget, str]:
    """Return the changed target, and its secret if that is new, else "". Raises AlertError."""
    with snapshot(backend.engine) as connection:
        known = open_target(connection, sealer, find_target(connection, name).pk)
    assert known is not None  # It was found in the same snapshot.
    target = changed_target(
        backend.settings,
        known,
        name=(change.name or name).strip(),
        address=change.url,
        renew=change.new_secret,
    )
    return target, "" if target.secret == known.secret else target.secret


def _changed(backend: Backend, name: str, secret: str) -> ChangedTarget:
    known = _target(in_snapshot(backend.engine, find_target, name))
    return ChangedTarget(**known.model_dump(), secret=secret or None)


def known_target(backend: Backend, name: str) -> Target:
    """Return a target. Raises AlertNotFoundError, NotAllowedError."""
    require_all_sources()
    try:
        return _target(in_snapshot(backend.engine, find_target, name))
    except AlertNotFoundError as exc:
        raise AlertNotFoundError("name", str(exc), "List them: GET /alerts/targets") from exc


def _targets(connection: Connection, asked: PageArguments) -> Page[Target]:
    after = str(read_cursor(asked.cursor, "targets", [str])[0]) if asked.cursor else ""
    found = sorted(
        (one for one in list_targets(connection) if one.name > after), key=lambda one: one.name
    )
    page = found[: asked.limit]
    more = len(found) > len(page)
    return Page[Target](
        items=[_target(one) for one in page],
        next=write_cursor("targets", [page[-1].name]) if more else None,
    )


def _target(known: KnownTarget) -> Target:
    return Target(
        name=known.name,
        kind=known.kind,
        address=known.shown_address,
        enabled=known.disabled_at is None,
        disabled_at=known.disabled_at,
        disabled_reason=known.disabled_reason or None,
        waiting=known.waiting,
        failed=known.failed,
        created_at=known.created_at,
        created_by=known.created_by,
    )
