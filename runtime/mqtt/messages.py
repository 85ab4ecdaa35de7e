"""MqttMessage, and the rules for topics."""

import re
from dataclasses import dataclass
from typing import Final

_MAX_TOPIC_BYTES: Final = 65535
_SPECIAL: Final = re.compile(r"[%+#/$\x00-\x1f\x7f-\x9f]")
_WILDCARD: Final = re.compile(r"[+#\x00]")


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """A message. retain: whether the broker keeps it for those who subscribe later."""

    topic: str
    payload: bytes
    retain: bool = False


def topic_level(name: str) -> str:
    """Return `name` as one level of a topic: what has a meaning in topics becomes %XX."""
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", name)


def check_topic(topic: str) -> None:
    """Raise ValueError if nothing can be published to the topic."""
    if not topic or len(topic.encode()) > _MAX_TOPIC_BYTES:
        raise ValueError("a topic has 1 to 65,535 bytes")
    if _WILDCARD.search(topic):
        raise ValueError(f"{topic!r} is not a topic: + and # are wildcards")
    if topic.startswith("$"):
        raise ValueError(f"{topic!r} is not a topic: $ begins those of the broker")
