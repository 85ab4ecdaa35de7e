"""The rules of alerts: add, change, mute, remove and find them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, insert, select, update

from contracts.alerts.events import Reason
from contracts.alerts.rule import AlertRule
from contracts.errors import AlertError, AlertNameTakenError, AlertNotFoundError
from contracts.times import utc_now
from records.alerts.closing import close_open_alerts
from records.alerts.rule_json import Keys, decode_keys, decode_rule, encode_rule
from records.audit import MOODLINE, write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.sources.former_names import current_names
from records.tables.alerts import AlertEvent, StoredRule, StoredState, StoredTarget
from records.tables.sources import Source

MAX_RULES = 200
MAX_MUTE = timedelta(days=365)
_IN_USE = select(select(StoredRule.id).exists(), select(StoredTarget.id).exists())


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A stored rule: see records/tables/alerts.py. keys: what it refers to."""

    pk: int
    rule: AlertRule
    keys: Keys
    revision: int
    created_at: datetime
    created_by: str
    evaluated_until: datetime
    muted_until: datetime | None
    muted_by: str

    def is_muted(self, now: datetime) -> bool:
        """Return whether its events are not delivered now."""
        return self.muted_until is not None and self.muted_until > now


def list_rules(connection: Connection, *, pk: int | None = None) -> list[KnownRule]:
    """Return all rules, by name; with `pk`, that one alone, if it exists."""
    query = select(*StoredRule.__table__.c).order_by(StoredRule.name)
    if pk is not None:
        query = query.where(StoredRule.id == pk)
    rows = connection.execute(query).all()
    if not rows:
        return []
    sources = {row.id: row.name for row in connection.execute(select(Source.id, Source.name))}
    targets = _target_names(connection)
    return [
        KnownRule(
            row.id,
            decode_rule(row.name, row.definition, sources, targets),
            decode_keys(row.definition),
            row.revision,
            row.created_at,
            row.created_by,
            row.evaluated_until,
            row.muted_until,
            row.muted_by,
        )
        for row in rows
    ]


def find_rule(connection: Connection, name: str) -> KnownRule:
    """Return the rule with this name. Raises AlertError if there is none."""
    pk = connection.execute(select(StoredRule.id).where(StoredRule.name == name)).scalar()
    if pk is None:
        raise AlertNotFoundError(
            "name", f"there is no rule {name!r}", "`moodline alert list` lists them"
        )
    return list_rules(connection, pk=pk)[0]


def alerts_in_use(connection: Connection) -> tuple[bool, bool]:
    """Return whether there is any rule, and any target. Fast: a scheduler asks each second."""
    any_rule, any_target = connection.execute(_IN_USE).one()
    return any_rule, any_target


def add_rule(
    engine: Engine, rule: AlertRule, *, actor: str = MOODLINE, now: datetime | None = None
) -> None:
    """Add a rule, which is evaluated from now on.

    Raises AlertError if the name is taken, or a source or target is not known.
    """
    at = now or utc_now()
    with transaction(engine) as connection:
        names = list(connection.execute(select(StoredRule.name)).scalars())
        if rule.name in names:
            raise AlertNameTakenError(
                "name", f"a rule {rule.name!r} exists already", "Choose another name, or edit it"
            )
        if len(names) >= MAX_RULES:
            raise AlertError("name", f"there are {MAX_RULES} rules already", "Remove one first")
        connection.execute(
            insert(StoredRule).values(
                name=rule.name,
                definition=encode_rule(rule, checked_keys(connection, rule)),
                revision=0,
                created_at=at,
                created_by=actor,
                evaluated_until=at,
                muted_by="",
            )
        )
        _audit(connection, actor, Action.ALERT_ADDED, rule)


def edit_rule(
    engine: Engine,
    name: str,
    rule: AlertRule,
    *,
    actor: str = MOODLINE,
    now: datetime | None = None,
) -> None:
    """Replace a rule. An open alert ends if what it is about changed. Raises AlertError."""
    at = now or utc_now()
    with transaction(engine) as connection:
        known = find_rule(connection, name)
        taken = select(StoredRule.id).where(StoredRule.name == rule.name, StoredRule.id != known.pk)
        if connection.execute(taken).first() is not None:
            raise AlertNameTakenError(
                "name", f"a rule {rule.name!r} exists already", "Choose another name"
            )
        values: dict[str, object] = {
            "name": rule.name,
            "definition": encode_rule(rule, checked_keys(connection, rule)),
            "revision": StoredRule.revision + 1,
        }
        if _judges_otherwise(known.rule, rule):
            close_open_alerts(connection, known.pk, known.keys.targets, Reason.CHANGED, at)
            connection.execute(delete(StoredState).where(StoredState.rule_pk == known.pk))
            values["evaluated_until"] = at
        connection.execute(update(StoredRule).where(StoredRule.id == known.pk).values(values))
        _audit(connection, actor, Action.ALERT_EDITED, rule)


def remove_rule(
    engine: Engine, name: str, *, actor: str = MOODLINE, now: datetime | None = None
) -> None:
    """Remove a rule. Its open alerts end, and its history stays. Raises AlertError."""
    with transaction(engine) as connection:
        known = find_rule(connection, name)
        close_open_alerts(
            connection, known.pk, known.keys.targets, Reason.REMOVED, now or utc_now()
        )
        # Its key may be used again: the events of this one are of none then.
        connection.execute(
            update(AlertEvent).where(AlertEvent.rule_pk == known.pk).values(rule_pk=-AlertEvent.id)
        )
        connection.execute(delete(StoredRule).where(StoredRule.id == known.pk))
        _audit(connection, actor, Action.ALERT_REMOVED, known.rule)


def mute_rule(engine: Engine, name: str, until: datetime | None, *, actor: str = MOODLINE) -> None:
    """Deliver no events of the rule until then; None: deliver them again. Raises AlertError."""
    now = utc_now()
    if until is not None and not now < until <= now + MAX_MUTE:
        raise AlertError("for", "the end of the mute is not in the next year", "For example 1h")
    with transaction(engine) as connection:
        known = find_rule(connection, name)
        connection.execute(
            update(StoredRule)
            .where(StoredRule.id == known.pk)
            .values(muted_until=until, muted_by=actor if until else "")
        )
        details = {"rule": name, "until": until.isoformat() if until else ""}
        write_audit_entry(connection, actor, Action.ALERT_MUTED, details)


def checked_keys(connection: Connection, rule: AlertRule) -> Keys:
    """Return the keys of what a rule refers to. Raises AlertError for a name that is not known."""
    sources = targets = None
    if rule.sources:
        present = current_names(connection, list(rule.sources))
        names = [present[name] for name in rule.sources]
        found = {
            row.name: row.id
            for row in connection.execute(
                select(Source.id, Source.name).where(Source.name.in_(names))
            )
        }
        sources = _all_of("source", names, found, "moodline source list")
    elif rule.tags:
        sources = ()
    if rule.targets:
        known = {name: pk for pk, name in _target_names(connection).items()}
        targets = _all_of("to", rule.targets, known, "moodline alert target list")
    return Keys(sources, targets)


def _all_of(
    field: str, names: Sequence[str], found: dict[str, int], command: str
) -> tuple[int, ...]:
    for name in names:
        if name not in found:
            what = "target" if field == "to" else field
            raise AlertError(field, f"there is no {what} {name!r}", f"`{command}` lists them")
    return tuple(dict.fromkeys(found[name] for name in names))


def _target_names(connection: Connection) -> dict[int, str]:
    query = select(StoredTarget.id, StoredTarget.name)
    return {row.id: row.name for row in connection.execute(query)}


def _judges_otherwise(old: AlertRule, new: AlertRule) -> bool:
    """Return whether the new rule could see another state in the same facts."""
    return (
        old.condition,
        old.window_s,
        old.clears_at,
        old.min_person_s,
        old.min_coverage,
        old.hours,
    ) != (
        new.condition,
        new.window_s,
        new.clears_at,
        new.min_person_s,
        new.min_coverage,
        new.hours,
    )


def _audit(connection: Connection, actor: str, action: Action, rule: AlertRule) -> None:
    write_audit_entry(connection, actor, action, {"rule": rule.name, "when": rule.sentence})
