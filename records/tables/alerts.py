"""The tables of alerts: rules, their states, events, targets, and the outbox of deliveries."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint

from records.tables.base import Base, Mapped, mapped_column


class StoredRule(Base):
    """A rule: when to warn, about which sources, and whom.

    name, definition: the owner's name for it, and the rule as JSON (records/alerts/rule_json.py).
    revision: incremented by each edit.
    created_at, created_by: when it was added, and by whom.
    evaluated_until: the moment up to which it has been evaluated.
    muted_until, muted_by: until when its events are not delivered, and who said so.
    """

    __tablename__ = "alert_rules"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    definition: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(128))
    evaluated_until: Mapped[datetime]
    muted_until: Mapped[datetime | None]
    muted_by: Mapped[str] = mapped_column(String(128), default="")


class StoredState(Base):
    """The state of a rule for one subject. It changes together with `evaluated_until` of the rule.

    rule_pk, subject: the rule, and the key of a source, or 0 for the whole system.
    event_pk: the event that opened the alert; NULL while none is open.
    breached_since, seen_at: since when the condition has been true, and when it was last looked at.
    fired_at: when the alert last fired.
    """

    __tablename__ = "alert_states"

    rule_pk: Mapped[int] = mapped_column(
        ForeignKey("alert_rules.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    subject: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_pk: Mapped[int | None]
    breached_since: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    fired_at: Mapped[datetime | None]


class AlertEvent(Base):
    """Something that happened to an alert: it fired, was resolved, or was tested.

    message_id: its name outside, the same in every delivery.
    kind: an EventKind.
    rule_pk, rule_name, severity: of the rule at that time. It may be gone: then the key is of none.
    subject, source: the key and the name of the source, or 0 and "".
    at, recorded_at: the moment that was looked at, and when the event was written.
    value: of the measure; NULL if it was not known.
    details: what was seen, as JSON (records/alerts/rule_json.py).
    opened_by: of a `resolved` event, the event that it resolves.
    resolved_at: of a `fired` event, when it was resolved; NULL while it is open.
    acknowledged_at, acknowledged_by: of a `fired` event, who took note of it.
    muted: whether the rule was muted, so that it was not delivered.
    """

    __tablename__ = "alert_events"
    __table_args__ = (
        UniqueConstraint("rule_pk", "subject", "kind", "at", name="uq_alert_events_once"),
        Index("ix_alert_events_at", "at"),
        Index("ix_alert_events_open", "kind", "resolved_at"),
        Index("ix_alert_events_subject", "subject", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    rule_pk: Mapped[int]
    rule_name: Mapped[str] = mapped_column(String(64))
    severity: Mapped[str] = mapped_column(String(16))
    subject: Mapped[int]
    source: Mapped[str] = mapped_column(String(512))
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    value: Mapped[float | None]
    details: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[int | None]
    resolved_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(String(128), default="")
    muted: Mapped[bool] = mapped_column(default=False)


class StoredTarget(Base):
    """A place to which events are delivered.

    name, kind: the owner's name for it, and a TargetKind.
    address, secret: sealed. The secret signs webhooks; "" for other kinds.
    shown_address: without credentials, for people.
    private: whether the owner of this host named it, so that it may be in a private network.
    created_at, created_by: when it was added, and by whom.
    disabled_at, disabled_reason: since when nothing is delivered to it, and why.
    holder, held_until: the process that delivers to it now, and the end of its claim.
    """

    __tablename__ = "alert_targets"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(Text, default="")
    shown_address: Mapped[str] = mapped_column(Text)
    private: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(128))
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str] = mapped_column(Text, default="")
    holder: Mapped[str | None] = mapped_column(String(128))
    held_until: Mapped[datetime | None]


class StoredDelivery(Base):
    """The outbox: an event for one target. Deliveries of a target are made in the order of `id`.

    target_pk, event_pk: where it goes, and what is delivered.
    state: a DeliveryState.
    attempts, next_at: attempts that were made, and when the next one is due.
    created_at, ended_at: when it was queued, and when it was delivered or given up.
    result: how the last attempt ended, as one line.
    """

    __tablename__ = "alert_deliveries"
    __table_args__ = (
        UniqueConstraint("target_pk", "event_pk", name="uq_alert_deliveries_once"),
        Index("ix_alert_deliveries_next", "state", "target_pk", "id"),
        Index("ix_alert_deliveries_event", "event_pk"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target_pk: Mapped[int] = mapped_column(ForeignKey("alert_targets.id", ondelete="CASCADE"))
    event_pk: Mapped[int] = mapped_column(ForeignKey("alert_events.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(Text, default="")
