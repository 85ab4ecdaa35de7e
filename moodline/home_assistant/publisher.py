"""SourcePublisher: publishes devices and states of the live sources, and takes commands."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog

from moodline.adapters.sources_now import SourceNow
from moodline.home_assistant.devices import (
    OFF,
    OFFLINE,
    ON,
    ONLINE,
    device_message,
    removed_device,
    state_message,
)
from moodline.home_assistant.topics import Topics
from runtime.mqtt.messages import MqttMessage, topic_level

if TYPE_CHECKING:
    from runtime.mqtt.connection import MqttConnection

log = structlog.get_logger()

_EVERY_S: Final = 10.0
"""States are published on a change, and this often: before Home Assistant lets them expire."""
_MAX_COMMANDS: Final = 100
_MAX_DEVICES: Final = 1000
_LAST_WORD_S: Final = 2.0


class SourcePublisher:
    """The publisher of one connection. Its methods are for one thread.

    connection: made with `will`, `subscriptions`, `note_connected` and `note_message` of this
    publisher, of which the latter two are called in another thread. commands: whether sources may
    be paused over MQTT: whoever can publish to the broker then can.
    """

    def __init__(
        self, topics: Topics, *, commands: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._topics = topics
        self._takes_commands = commands
        self._clock = clock
        self._lock = threading.Lock()
        self._announce = False
        self._pauses: dict[str, bool] = {}
        self._seen_devices: set[int] = set()
        self._devices: dict[int, MqttMessage] = {}
        self._states: dict[int, tuple[float, MqttMessage]] = {}
        self._online_at = -_EVERY_S

    @property
    def will(self) -> MqttMessage:
        """The last will: moodline is offline."""
        return MqttMessage(self._topics.availability, OFFLINE, retain=True)

    @property
    def subscriptions(self) -> Sequence[str]:
        """The topics to subscribe to."""
        found = [self._topics.birth, self._topics.all_devices] if self._topics.discovery else []
        return [*found, self._topics.all_pauses] if self._takes_commands else found

    def note_connected(self) -> None:
        """Note that a connection was made: everything is to be published in it."""
        with self._lock:
            self._announce = True

    def note_message(self, message: MqttMessage) -> None:
        """Note a message of the broker. Anybody may have written it."""
        topics = self._topics
        with self._lock:
            if message.topic == topics.birth and topics.discovery:
                self._announce = self._announce or message.payload == ONLINE
            elif (pk := topics.device_pk(message.topic)) is not None:
                if _is_of_moodline(message.payload) and len(self._seen_devices) < _MAX_DEVICES:
                    self._seen_devices.add(pk)
            elif (level := topics.paused_level(message.topic)) is not None:
                # A kept command would be executed again at each connection.
                is_command = message.payload in (ON.encode(), OFF.encode()) and not message.retain
                if self._takes_commands and is_command and len(self._pauses) < _MAX_COMMANDS:
                    self._pauses[level] = message.payload == ON.encode()

    def commands(self, sources: Sequence[SourceNow]) -> Mapping[str, bool]:
        """Return the sources to pause (True) or to resume since the last call, by name."""
        with self._lock:
            pauses, self._pauses = self._pauses, {}
        by_level = {topic_level(one.source.name): one.source for one in sources}
        for level in pauses.keys() - by_level.keys():
            log.warning("a command over MQTT names no source", source=level[:64])
        return {
            by_level[level].name: paused
            for level, paused in pauses.items()
            if level in by_level and by_level[level].paused != paused
        }

    def publish(
        self,
        connection: "MqttConnection",
        sources: Sequence[SourceNow],
        coverage: Mapping[str, float],
    ) -> None:
        """Publish what has changed; all of it after a connection or a start of Home Assistant."""
        with self._lock:
            announce, self._announce = self._announce, False
            seen, self._seen_devices = self._seen_devices, set()
        if announce:
            self._devices, self._states = {}, {}
        if announce or self._clock() - self._online_at >= _EVERY_S:
            # Again and again: the last will of a scheduler that is gone may come late.
            self._online_at = self._clock()
            connection.publish(MqttMessage(self._topics.availability, ONLINE, retain=True))
        if self._topics.discovery:
            self._publish_devices(connection, sources, seen)
        known = {one.source.pk for one in sources}
        self._states = {pk: state for pk, state in self._states.items() if pk in known}
        for one in sources:
            self._publish_state(connection, one, coverage.get(one.source.name))

    def say_goodbye(self, connection: "MqttConnection") -> None:
        """Publish that moodline is offline, as the last will does when it is killed."""
        sent = connection.publish(self.will)
        if sent is not None:
            sent.wait_for_publish(_LAST_WORD_S)

    def _publish_devices(
        self, connection: "MqttConnection", sources: Sequence[SourceNow], seen: set[int]
    ) -> None:
        current = {
            one.source.pk: device_message(one.source, self._topics, commands=self._takes_commands)
            for one in sources
        }
        for pk in (self._devices.keys() | seen) - current.keys():
            connection.publish(removed_device(pk, self._topics))
        for pk, message in current.items():
            if message != self._devices.get(pk):
                connection.publish(message)
        self._devices = current

    def _publish_state(
        self, connection: "MqttConnection", now: SourceNow, coverage: float | None
    ) -> None:
        message, moment = state_message(now, coverage, self._topics), self._clock()
        before = self._states.get(now.source.pk)
        if before is None or before[1] != message or moment - before[0] >= _EVERY_S:
            connection.publish(message)
            self._states[now.source.pk] = moment, message


def _is_of_moodline(payload: bytes) -> bool:
    """Return whether a description of a device was written by moodline."""
    try:
        found: Any = json.loads(payload)
        return bool(found["o"]["name"] == "moodline")
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
