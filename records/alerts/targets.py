"""The targets of alerts: add, find, disable and remove them. What may be secret is sealed."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from contracts.alerts.events import DeliveryState, EventDetails, EventKind, TargetKind
from contracts.alerts.rule import Severity
from contracts.alerts.target import AlertTarget
from contracts.errors import AlertError, AlertNameTakenError, AlertNotFoundError
from contracts.times import utc_now
from records.alerts.event_log import NewEvent, write_event
from records.alerts.outbox import drop_waiting
from records.audit import MOODLINE, write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.sources.sealing import Sealer
from records.tables.alerts import StoredDelivery, StoredTarget

MAX_TARGETS: Final = 50
_PURPOSE: Final = "alerts"
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KnownTarget:
    """A stored target, without its secrets: see records/tables/alerts.py.

    waiting, failed: the deliveries that wait for it, and those that it never got.
    """

    pk: int
    name: str
    kind: TargetKind
    shown_address: str
    private: bool
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_reason: str
    waiting: int
    failed: int


def new_secret() -> str:
    """Return a random secret for a webhook, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def add_target(
    engine: Engine, sealer: Sealer, target: AlertTarget, *, actor: str = MOODLINE
) -> None:
    """Add a target. Raises AlertError if the name is taken."""
    with transaction(engine) as connection:
        names = list(connection.execute(select(StoredTarget.name)).scalars())
        if target.name in names:
            raise AlertNameTakenError(
                "name", f"a target {target.name!r} exists already", "Remove it first"
            )
        if len(names) >= MAX_TARGETS:
            raise AlertError("name", f"there are {MAX_TARGETS} targets already", "Remove one first")
        cipher = sealer.cipher(_PURPOSE)
        connection.execute(
            insert(StoredTarget).values(
                name=target.name,
                kind=target.kind,
                address=_sealed(cipher, target.address),
                secret=_sealed(cipher, target.secret),
                shown_address=target.shown_address,
                private=target.private,
                created_at=utc_now(),
                created_by=actor,
                disabled_reason="",
            )
        )
        _audit(connection, actor, Action.TARGET_ADDED, target.name, target.shown_address)


def edit_target(
    engine: Engine,
    sealer: Sealer,
    target: AlertTarget,
    *,
    name: str = "",
    actor: str = MOODLINE,
) -> None:
    """Give a target another address, secret or name. Raises AlertError.

    name: its present one, if that changes.
    """
    cipher = sealer.cipher(_PURPOSE)
    with transaction(engine) as connection:
        known = find_target(connection, name or target.name)
        _check_free(connection, target.name, known.pk)
        connection.execute(
            update(StoredTarget)
            .where(StoredTarget.id == known.pk)
            .values(
                name=target.name,
                kind=target.kind,
                address=_sealed(cipher, target.address),
                secret=_sealed(cipher, target.secret),
                shown_address=target.shown_address,
                private=target.private,
            )
        )
        renamed = "" if known.name == target.name else f" (was {known.name})"
        shown = f"{target.shown_address}{renamed}"
        _audit(connection, actor, Action.TARGET_CHANGED, target.name, shown)


def list_targets(connection: Connection) -> list[KnownTarget]:
    """Return all targets, by name."""
    of_target = (
        select(func.count())
        .select_from(StoredDelivery.__table__)
        .where(StoredDelivery.target_pk == StoredTarget.id)
        .correlate(StoredTarget.__table__)
    )
    lost = (DeliveryState.FAILED, DeliveryState.DROPPED)
    query = select(
        StoredTarget.id,
        StoredTarget.name,
        StoredTarget.kind,
        StoredTarget.shown_address,
        StoredTarget.private,
        StoredTarget.created_at,
        StoredTarget.created_by,
        StoredTarget.disabled_at,
        StoredTarget.disabled_reason,
        of_target.where(StoredDelivery.state == DeliveryState.WAITING).scalar_subquery(),
        of_target.where(StoredDelivery.state.in_(lost)).scalar_subquery(),
    ).order_by(StoredTarget.name)
    return [
        KnownTarget(row[0], row[1], TargetKind(row[2]), *row[3:])
        for row in connection.execute(query)
    ]


def find_target(connection: Connection, name: str) -> KnownTarget:
    """Return the target with this name. Raises AlertError if there is none."""
    for known in list_targets(connection):
        if known.name == name:
            return known
    raise AlertNotFoundError(
        "to", f"there is no target {name!r}", "`moodline alert target list` lists them"
    )


def open_target(connection: Connection, sealer: Sealer, pk: int) -> AlertTarget | None:
    """Return a target with its secrets; None if it is gone.

    Raises AlertError if it was sealed with another key.
    """
    row = connection.execute(select(*StoredTarget.__table__.c).where(StoredTarget.id == pk)).first()
    if row is None:
        return None
    cipher = sealer.cipher(_PURPOSE)
    try:
        address, secret = _opened(cipher, row.address), _opened(cipher, row.secret)
    except InvalidToken as exc:
        raise AlertError(
            "to",
            f"the address of the target {row.name} was sealed with another key",
            "Set MOODLINE_SECRET_KEY to the key of the host that added it, or add it again",
        ) from exc
    return AlertTarget(row.name, TargetKind(row.kind), address, secret, row.private)


def disable_target(
    connection: Connection, pk: int, reason: str, *, now: datetime, actor: str = MOODLINE
) -> None:
    """Deliver nothing more to a target, and drop what waits for it."""
    name = connection.execute(
        update(StoredTarget)
        .where(StoredTarget.id == pk, StoredTarget.disabled_at.is_(None))
        .values(disabled_at=now, disabled_reason=reason)
        .returning(StoredTarget.name)
    ).scalar()
    if name is not None:
        drop_waiting(connection, pk, f"the target was disabled: {reason}", now)
        _audit(connection, actor, Action.TARGET_CHANGED, name, f"disabled: {reason}")


def enable_target(engine: Engine, name: str, *, actor: str = MOODLINE) -> None:
    """Deliver to a target again. Raises AlertError."""
    with transaction(engine) as connection:
        known = find_target(connection, name)
        connection.execute(
            update(StoredTarget)
            .where(StoredTarget.id == known.pk)
            .values(disabled_at=None, disabled_reason="")
        )
        _audit(connection, actor, Action.TARGET_CHANGED, name, "enabled")


def remove_target(engine: Engine, name: str, *, actor: str = MOODLINE) -> None:
    """Remove a target, with what waits for it. Raises AlertError."""
    with transaction(engine) as connection:
        known = find_target(connection, name)
        connection.execute(delete(StoredTarget).where(StoredTarget.id == known.pk))
        _audit(connection, actor, Action.TARGET_REMOVED, name, known.shown_address)


def queue_test(engine: Engine, name: str, *, actor: str = MOODLINE) -> int:
    """Queue a test event for a target; return the key of the event. Raises AlertError."""
    now = utc_now()
    with transaction(engine) as connection:
        known = find_target(connection, name)
        if known.disabled_at is not None:
            raise AlertError(
                "to",
                f"the target {name} is disabled: {known.disabled_reason}",
                f"`moodline alert target enable {name}`",
            )
        details = EventDetails("", "a test", 0.0, "", now, now, note=f"Sent by {actor}.")
        event = NewEvent(EventKind.TEST, 0, "Test", Severity.INFO, 0, "", now, now, None, details)
        pk = write_event(connection, event, [known.pk])
        _audit(connection, actor, Action.TARGET_TESTED, name, known.shown_address)
        return pk


def target_names(connection: Connection, keys: Sequence[int] | None) -> list[str]:
    """Return the names of targets, by name; None: of all."""
    return [one.name for one in list_targets(connection) if keys is None or one.pk in keys]


def _check_free(connection: Connection, name: str, pk: int) -> None:
    taken = select(StoredTarget.id).where(StoredTarget.name == name, StoredTarget.id != pk)
    if connection.execute(taken).first() is not None:
        raise AlertNameTakenError(
            "name", f"a target {name!r} exists already", "Choose another name"
        )


def _sealed(cipher: Fernet, text: str) -> str:
    return cipher.encrypt(text.encode()).decode() if text else ""


def _opened(cipher: Fernet, text: str) -> str:
    return cipher.decrypt(text.encode()).decode() if text else ""


def _audit(connection: Connection, actor: str, action: Action, name: str, text: str) -> None:
    write_audit_entry(connection, actor, action, {"target": name, "what": text})
