"""The events of an alert, and the deliveries about them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

SYSTEM_SUBJECT: Final = 0
"""The subject of rules on the whole system, in the place of a source's key."""


class EventKind(StrEnum):
    """A kind of event. test: somebody tried a target."""

    FIRED = "fired"
    RESOLVED = "resolved"
    TEST = "test"


class Reason(StrEnum):
    """Why an alert was resolved; none: it was not.

    cleared: the value is back. hours: the hours of the rule have ended. changed, removed: the rule
    was. source: the rule is no longer about the source.
    """

    NONE = ""
    CLEARED = "cleared"
    HOURS = "hours"
    CHANGED = "changed"
    REMOVED = "removed"
    SOURCE = "source"


REASON_TEXTS: Final = {
    Reason.NONE: "",
    Reason.CLEARED: "the value is back",
    Reason.HOURS: "the hours of the rule have ended",
    Reason.CHANGED: "the rule was changed",
    Reason.REMOVED: "the rule was removed",
    Reason.SOURCE: "the rule is no longer about this source",
}
"""The reasons for people."""


class TargetKind(StrEnum):
    """How events are delivered."""

    WEBHOOK = "webhook"
    APPRISE = "apprise"
    MQTT = "mqtt"


class DeliveryState(StrEnum):
    """The state of one event for one target.

    waiting: it has not arrived yet. delivered: it has. failed: it was given up. dropped: the queue
    of the target was full, or the target was disabled or removed.
    """

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class EventDetails:
    """The facts seen when an event happened.

    measure, condition: of the rule; the condition as a sentence. limit, unit: of the condition.
    since, until: the window. person_s: person-seconds in it. coverage: of it, 0..1; both None where
    the measure does not depend on them. reason: why it was resolved. note: text of a test.
    """

    measure: str
    condition: str
    limit: float
    unit: str
    since: datetime
    until: datetime
    person_s: float | None = None
    coverage: float | None = None
    reason: Reason = Reason.NONE
    note: str = ""
