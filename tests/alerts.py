"""Rules, and histories of live sources minute by minute, for tests of alerts."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select

from contracts.alerts.condition import Condition
from contracts.alerts.events import TargetKind
from contracts.alerts.rule import AlertRule
from contracts.alerts.target import AlertTarget
from contracts.runs import RunKind
from contracts.times import to_micros
from records.alerts.rules import add_rule
from records.alerts.targets import add_target, new_secret
from records.database import reading, transaction
from records.rollups.windows import MINUTE_S
from records.sources.sealing import Sealer
from records.tables.alerts import AlertEvent
from records.tables.rollups import LABEL_SUMS, DirtyWindow, rollups
from records.tables.sources import Source

MINUTE = timedelta(minutes=1)


def rule(when: str = "angry > 30%", name: str = "test", **given: object) -> AlertRule:
    return AlertRule(name, Condition.parse(when), **given)  # type: ignore[arg-type]


def add_source(engine: Engine, name: str, created_at: datetime, tags: str = "[]") -> int:
    with transaction(engine) as connection:
        row = {"name": name, "kind": RunKind.LIVE, "created_at": created_at, "tags": tags}
        found: int = connection.execute(
            insert(Source).values(row).returning(Source.id)
        ).scalar_one()
        return found


def write_minute(
    engine: Engine,
    source_pk: int,
    begin: datetime,
    label_s: Mapping[str, float],
    analyzed_s: float = 60.0,
) -> None:
    """Write the rollup of a minute, which is not dirty any more."""
    sums = {LABEL_SUMS[label]: round(seconds * 1000) for label, seconds in label_s.items()}
    start = to_micros(begin)
    with transaction(engine) as connection:
        connection.execute(
            insert(rollups).values(
                source_pk=source_pk,
                width_s=MINUTE_S,
                start=start,
                part=0,
                folded_at=begin,
                frames=round(analyzed_s),
                analyzed_ms=round(analyzed_s * 1000),
                **sums,
            )
        )
        connection.execute(
            delete(DirtyWindow).where(
                DirtyWindow.source_pk == source_pk, DirtyWindow.start == start
            )
        )


def mark_waiting(engine: Engine, source_pk: int, begins: Iterable[datetime]) -> None:
    """Mark minutes as not rolled up yet."""
    rows = [{"source_pk": source_pk, "start": to_micros(one), "token": 1} for one in begins]
    if rows:
        with transaction(engine) as connection:
            connection.execute(insert(DirtyWindow), rows)


def add_webhook(
    engine: Engine, sealer: Sealer, url: str, name: str = "hook", *, private: bool = True
) -> str:
    """Add a webhook, and return its secret."""
    secret = new_secret()
    add_target(engine, sealer, AlertTarget(name, TargetKind.WEBHOOK, url, secret, private))
    return secret


def events(engine: Engine) -> list[tuple[str, str, datetime]]:
    """Kind, source and time of all events, in the order of their keys."""
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(_events())]  # type: ignore[misc]


def _events():  # type: ignore[no-untyped-def]
    return select(AlertEvent.kind, AlertEvent.source, AlertEvent.at).order_by(AlertEvent.id)


def add_rule_at(engine: Engine, added: AlertRule, now: datetime) -> None:
    add_rule(engine, added, now=now)


def no_measures() -> Mapping[str, float | None]:
    return {}
