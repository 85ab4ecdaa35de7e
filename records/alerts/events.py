"""Reading events: the open alerts, the history, and who took note of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    delete,
    func,
    not_,
    select,
    tuple_,
    update,
)

from contracts.alerts.events import DeliveryState, EventDetails, EventKind, TargetKind
from contracts.errors import AlertNotFoundError
from contracts.times import utc_now
from records.alerts.rule_json import decode_details
from records.audit import MOODLINE, write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.tables.alerts import AlertEvent, StoredDelivery, StoredTarget

MAX_EVENTS = 500


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event: see records/tables/alerts.py."""

    pk: int
    message_id: str
    kind: EventKind
    rule: str
    severity: str
    subject: int
    source: str
    at: datetime
    recorded_at: datetime
    value: float | None
    details: EventDetails
    opened_by: int | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    muted: bool

    @property
    def is_open(self) -> bool:
        """Whether it is an alert that was not resolved."""
        return self.kind is EventKind.FIRED and self.resolved_at is None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: of this rule, of these sources (keys), in this range.

    None and "": no limit. kinds: empty for all. before_pk: only those that are listed after this
    one. after_pk: only those that were written after this one. is_open: only open alerts, or only
    what is not one.
    """

    rule: str = ""
    subjects: Collection[int] | None = None
    since: datetime | None = None
    until: datetime | None = None
    kinds: Collection[EventKind] = ()
    before_pk: int | None = None
    after_pk: int | None = None
    is_open: bool | None = None


def open_alerts(
    connection: Connection, subjects: Collection[int] | None = None
) -> list[KnownEvent]:
    """Return the open alerts, the newest first. subjects: only of these; None: all."""
    query = select(*AlertEvent.__table__.c).where(*_is_open())
    if subjects is not None:
        query = query.where(AlertEvent.subject.in_(subjects))
    return _events(connection, query.order_by(AlertEvent.at.desc(), AlertEvent.id.desc()))


def count_open(connection: Connection) -> int:
    """Return the number of open alerts."""
    query = select(func.count()).select_from(AlertEvent.__table__).where(*_is_open())
    return int(connection.execute(query).scalar_one())


def list_events(
    connection: Connection, chosen: EventFilter, limit: int = MAX_EVENTS
) -> list[KnownEvent]:
    """Return the latest events, the newest first, at most `limit`."""
    query = select(*AlertEvent.__table__.c)
    if chosen.rule:
        query = query.where(AlertEvent.rule_name == chosen.rule)
    if chosen.subjects is not None:
        query = query.where(AlertEvent.subject.in_(chosen.subjects))
    if chosen.since is not None:
        query = query.where(AlertEvent.at >= chosen.since)
    if chosen.until is not None:
        query = query.where(AlertEvent.at < chosen.until)
    if chosen.kinds:
        query = query.where(AlertEvent.kind.in_(list(chosen.kinds)))
    if chosen.is_open is not None:
        query = query.where(and_(*_is_open()) if chosen.is_open else not_(and_(*_is_open())))
    if chosen.after_pk is not None:
        query = query.where(AlertEvent.id > chosen.after_pk)
    if chosen.before_pk is not None:
        older = select(AlertEvent.at, AlertEvent.id).where(AlertEvent.id == chosen.before_pk)
        place = connection.execute(older).first()
        if place is None:
            return []
        query = query.where(tuple_(AlertEvent.at, AlertEvent.id) < (place.at, place.id))
    newest_first = query.order_by(AlertEvent.at.desc(), AlertEvent.id.desc())
    return _events(connection, newest_first.limit(limit))


def last_written(connection: Connection) -> int:
    """Return the key of the event that was written last; 0 if there is none."""
    return int(connection.execute(select(func.max(AlertEvent.id))).scalar() or 0)


def find_event(connection: Connection, pk: int) -> KnownEvent | None:
    """Return the event with this key; None if there is none."""
    found = _events(connection, select(*AlertEvent.__table__.c).where(AlertEvent.id == pk))
    return found[0] if found else None


def acknowledge(engine: Engine, pk: int, *, actor: str = MOODLINE) -> None:
    """Note who has seen a fired alert; the first one stays noted. Raises AlertError."""
    with transaction(engine) as connection:
        event = find_event(connection, pk)
        if event is None or event.kind is not EventKind.FIRED:
            raise AlertNotFoundError("event", f"there is no alert {pk}", "`moodline alert history`")
        changed = connection.execute(
            update(AlertEvent)
            .where(AlertEvent.id == pk, AlertEvent.acknowledged_at.is_(None))
            .values(acknowledged_at=utc_now(), acknowledged_by=actor)
        ).rowcount
        if changed:
            details = {"rule": event.rule, "source": event.source, "at": event.at.isoformat()}
            write_audit_entry(connection, actor, Action.ALERT_ACKNOWLEDGED, details)


@dataclass(frozen=True, slots=True)
class KnownDelivery:
    """A delivery, with its target and its event: see records/tables/alerts.py."""

    pk: int
    target: str
    target_kind: TargetKind
    event_pk: int
    message_id: str
    kind: EventKind
    rule: str
    source: str
    state: DeliveryState
    attempts: int
    next_at: datetime
    created_at: datetime
    ended_at: datetime | None
    result: str


def list_deliveries(
    connection: Connection,
    *,
    target: str = "",
    event_pk: int | None = None,
    before_pk: int | None = None,
    limit: int = MAX_EVENTS,
) -> list[KnownDelivery]:
    """Return the latest deliveries, the newest first: of one target, of one event, or all.

    before_pk: only those that were queued before this one.
    """
    query = (
        select(
            StoredDelivery.id,
            StoredTarget.name.label("target"),
            StoredTarget.kind.label("target_kind"),
            StoredDelivery.event_pk,
            AlertEvent.message_id,
            AlertEvent.kind,
            AlertEvent.rule_name,
            AlertEvent.source,
            StoredDelivery.state,
            StoredDelivery.attempts,
            StoredDelivery.next_at,
            StoredDelivery.created_at,
            StoredDelivery.ended_at,
            StoredDelivery.result,
        )
        .join(StoredTarget, StoredTarget.id == StoredDelivery.target_pk)
        .join(AlertEvent, AlertEvent.id == StoredDelivery.event_pk)
        .order_by(StoredDelivery.id.desc())
        .limit(limit)
    )
    if target:
        query = query.where(StoredTarget.name == target)
    if event_pk is not None:
        query = query.where(StoredDelivery.event_pk == event_pk)
    if before_pk is not None:
        query = query.where(StoredDelivery.id < before_pk)
    return [
        KnownDelivery(
            row.id,
            row.target,
            TargetKind(row.target_kind),
            row.event_pk,
            row.message_id,
            EventKind(row.kind),
            row.rule_name,
            row.source,
            DeliveryState(row.state),
            row.attempts,
            row.next_at,
            row.created_at,
            row.ended_at,
            row.result,
        )
        for row in connection.execute(query)
    ]


def remove_old_events(connection: Connection, before: datetime) -> int:
    """Delete the events before then, but open alerts; return their number."""
    return connection.execute(
        delete(AlertEvent).where(
            AlertEvent.at < before,
            (AlertEvent.kind != EventKind.FIRED) | AlertEvent.resolved_at.is_not(None),
        )
    ).rowcount


def _is_open() -> Sequence[ColumnElement[bool]]:
    return (AlertEvent.kind == EventKind.FIRED, AlertEvent.resolved_at.is_(None))


def _events(connection: Connection, query: Select[*tuple[object, ...]]) -> list[KnownEvent]:
    return [
        KnownEvent(
            row.id,
            row.message_id,
            EventKind(row.kind),
            row.rule_name,
            row.severity,
            row.subject,
            row.source,
            row.at,
            row.recorded_at,
            row.value,
            decode_details(row.details),
            row.opened_by,
            row.resolved_at,
            row.acknowledged_at,
            row.acknowledged_by,
            row.muted,
        )
        for row in connection.execute(query)
    ]
