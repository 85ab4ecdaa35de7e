"""Changes by people of targets and rules: a target is stopped, a rule is tested."""

from dataclasses import dataclass

from sqlalchemy import Engine

from contracts.errors import AlertError
from contracts.times import utc_now
from records.alerts.rules import find_rule
from records.alerts.silent_targets import BY_HAND
from records.alerts.targets import disable_target, find_target, list_targets, queue_test
from records.audit import MOODLINE
from records.database import reading, transaction


@dataclass(frozen=True, slots=True)
class QueuedTest:
    """A test message for a target. event: the key of its event."""

    target: str
    event: int


def stop_target(engine: Engine, name: str, *, actor: str = MOODLINE) -> None:
    """Deliver nothing more to a target, and drop what waits for it. Raises AlertError."""
    with transaction(engine) as connection:
        known = find_target(connection, name)
        disable_target(connection, known.pk, f"{BY_HAND}{actor}", now=utc_now(), actor=actor)


def queue_rule_tests(engine: Engine, rule: str, *, actor: str = MOODLINE) -> list[QueuedTest]:
    """Queue a test message for each target of a rule that is not disabled.

    Raises AlertError if there is none.
    """
    with reading(engine) as connection:
        keys = find_rule(connection, rule).keys.targets
        known = [one for one in list_targets(connection) if keys is None or one.pk in keys]
    targets = [one.name for one in known if one.disabled_at is None]
    if not targets:
        why = "its targets are disabled" if known else "there are no targets yet"
        raise AlertError("to", why, "An admin can enable or add one")
    return [QueuedTest(one, queue_test(engine, one, actor=actor)) for one in targets]
