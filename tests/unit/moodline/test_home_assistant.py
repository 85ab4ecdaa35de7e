"""Devices, states and commands of the live sources over MQTT, without a broker."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from analytics.now.live_status import LiveStatus
from analytics.now.people_in_view import NOBODY, PeopleInView, people_in_view
from broker.live_view import FaceReading
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.frame_results import TrackMark
from contracts.live_sources import LiveSource
from moodline.adapters.sources_now import SourceNow
from moodline.home_assistant.devices import device_message, state_message
from moodline.home_assistant.publisher import SourcePublisher
from moodline.home_assistant.topics import Topics
from runtime.mqtt.messages import MqttMessage
from tests.home_assistant import Switch, accepted_device, accepted_values

TOPICS = Topics("moodline", "homeassistant")
NAMES = ("door", "Tür 2", "50% +1 #5", "$SYS", "a'b\"c{{ 1 }}")


def source_now(
    name: str, pk: int = 7, *, state: str = "streaming", paused: bool = False, **more: Any
) -> SourceNow:
    source = LiveSource(pk, name, "", "", None, None, None, (), False, paused, 1)
    status = LiveStatus(
        name, "live", state, "", None, 12.34, 0.1, "here", "", (), "run1", 0, 0, 0, {}
    )
    return SourceNow(source, status, more.get("view", PeopleInView(0, NOBODY)))


class Connection:
    """A connection that keeps what is published."""

    def __init__(self) -> None:
        self.sent: list[MqttMessage] = []

    def publish(self, message: MqttMessage) -> None:
        self.sent.append(message)

    def take(self) -> list[MqttMessage]:
        taken, self.sent = self.sent, []
        return taken


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Home:
    """A publisher with its clock and connection."""

    def __init__(self, *, commands: bool = False) -> None:
        self.clock = Clock()
        self.connection = Connection()
        self.publisher = SourcePublisher(TOPICS, commands=commands, clock=self.clock)
        self.publisher.note_connected()

    def published(self, *sources: SourceNow) -> dict[str, bytes]:
        """Return what one step publishes, by topic."""
        self.publisher.publish(cast("Any", self.connection), sources, {})
        return {one.topic: one.payload for one in self.connection.take()}

    def hear(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.publisher.note_message(MqttMessage(topic, payload, retain))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("commands", [True, False])
def test_devices_are_as_home_assistant_accepts_them(name: str, commands: bool) -> None:
    now = source_now(name)
    message = device_message(now.source, TOPICS, commands=commands)

    device = accepted_device(message.payload)
    assert message.retain
    assert message.topic == "homeassistant/device/moodline_7/config"
    assert device.dev.name == name
    assert isinstance(device.cmps["pause"], Switch) is commands
    state = state_message(now, 0.5, TOPICS)
    assert device.state_topic == state.topic
    assert not state.retain, "a state of before would be shown as current"
    assert accepted_values(device, state.payload)["coverage"] == "50.0"


def test_topics_of_sources_differ_and_have_no_wildcard() -> None:
    topics = [TOPICS.state(name) for name in (*NAMES, "50%25 +1 #5", "a", "A")]
    assert len(set(topics)) == len(topics)
    assert [one for one in topics if set("+#$") & set(one)] == []


@pytest.mark.parametrize(
    ("view", "values"),
    [
        (None, ("None", "None", "None", "None")),
        (PeopleInView(0, NOBODY), ("0", "nobody", "None", "None")),
        (PeopleInView(2, UNCERTAIN, None, -0.123), ("2", "uncertain", "None", "-0.12")),
        (PeopleInView(1, "happy", 0.8764, 0.5), ("1", "happy", "87.6", "0.5")),
    ],
)
def test_a_state_says_what_is_in_view(view: PeopleInView | None, values: Sequence[str]) -> None:
    now = source_now("door", view=view)
    device = accepted_device(device_message(now.source, TOPICS, commands=True).payload)

    found = accepted_values(device, state_message(now, None, TOPICS).payload)

    assert tuple(found[key] for key in ("people", "expression", "confidence", "valence")) == values
    assert (found["state"], found["connectivity"], found["coverage"]) == ("streaming", "ON", "None")


@pytest.mark.parametrize("state", ["paused", "dead", "unanalyzed", "backing_off", "unknown"])
def test_a_source_that_delivers_nothing_is_not_connected(state: str) -> None:
    now = source_now("door", state=state, view=None)
    device = accepted_device(device_message(now.source, TOPICS, commands=True).payload)
    found = accepted_values(device, state_message(now, None, TOPICS).payload)
    assert (found["state"], found["connectivity"], found["fps"]) == (state, "OFF", "0.0")


def reading(
    emotion: str | None, confidence: float, mark: TrackMark = TrackMark.PERSON
) -> FaceReading:
    shares = tuple(1.0 if one == emotion else 0.0 for one in EXPRESSIONS)
    return FaceReading(1, 0, 0, 0.1, 0.1, emotion, confidence, shares, mark)


def test_most_people_lead_and_then_the_surest() -> None:
    happy, sad, sure = reading("happy", 0.5), reading("sad", 0.6), reading("angry", 0.9)
    assert people_in_view([happy, happy, sure]).expression == "happy"
    assert people_in_view([happy, sad]) == PeopleInView(
        2, "sad", 0.6, pytest.approx((3.21 - 3.39) / 8)
    )
    assert people_in_view([reading(None, 0.3), reading(None, 0.2), sure]).expression == UNCERTAIN
    assert people_in_view([reading("happy", 1, TrackMark.STATIC)]) == PeopleInView(0, NOBODY)
    assert people_in_view([]) == PeopleInView(0, NOBODY)


def test_everything_is_published_at_first_and_then_what_changes() -> None:
    home, door, desk = Home(), source_now("door", 1), source_now("desk", 2)
    first = home.published(door, desk)
    assert set(first) == {
        "moodline/status",
        *(f"homeassistant/device/moodline_{pk}/config" for pk in (1, 2)),
        *(f"moodline/{name}/state" for name in ("door", "desk")),
    }
    assert home.published(door, desk) == {}
    happy = source_now("desk", 2, view=PeopleInView(1, "happy", 0.9, 0.8))
    assert set(home.published(door, happy)) == {"moodline/desk/state"}
    home.clock.now += 10
    assert set(home.published(door, happy)) == {
        *("moodline/status", "moodline/door/state", "moodline/desk/state")
    }


def test_everything_is_published_again_for_a_home_assistant_or_broker_that_starts() -> None:
    home, door = Home(), source_now("door", 1)
    first = home.published(door)
    home.hear("homeassistant/status", b"offline")
    assert home.published(door) == {}
    home.hear("homeassistant/status", b"online")
    assert home.published(door) == first
    home.publisher.note_connected()
    assert home.published(door) == first


def test_devices_of_removed_sources_are_removed_also_after_a_restart() -> None:
    home, door = Home(), source_now("door", 1)
    desk = device_message(source_now("desk", 2).source, TOPICS, commands=False)
    home.published(door, source_now("desk", 2))
    assert home.published(door) == {desk.topic: b""}

    later = Home()
    later.hear(desk.topic, desk.payload, retain=True)
    later.hear("homeassistant/device/moodline_3/config", b'{"o": {"name": "zigbee2mqtt"}}')
    later.hear("homeassistant/device/moodline_4/config", b"[" * 10_000)
    later.hear("homeassistant/device/other_2/config", desk.payload)
    assert {topic for topic, data in later.published(door).items() if not data} == {desk.topic}


def test_a_renamed_source_keeps_its_device() -> None:
    home = Home()
    home.published(source_now("door", 1))
    assert set(home.published(source_now("entrance", 1))) == {
        *("homeassistant/device/moodline_1/config", "moodline/entrance/state")
    }


def test_commands_pause_and_resume_where_the_owner_allows_them() -> None:
    home = Home(commands=True)
    sources = [source_now("Tür 2", 1), source_now("50% +1 #5", 2, paused=True)]
    home.hear(TOPICS.pause("Tür 2"), b"ON")
    home.hear(TOPICS.pause("50% +1 #5"), b"OFF")
    home.hear(TOPICS.pause("nobody"), b"ON")
    assert home.publisher.commands(sources) == {"Tür 2": True, "50% +1 #5": False}
    assert home.publisher.commands(sources) == {}

    home.hear(TOPICS.pause("Tür 2"), b"OFF")
    assert home.publisher.commands(sources) == {}, "it is not paused"


@pytest.mark.parametrize("payload", [b"", b"on", b"ON\0", b"1", b"\xff" * 1000, b'{"state": "ON"}'])
def test_other_payloads_are_no_command(payload: bytes) -> None:
    home = Home(commands=True)
    home.hear(TOPICS.pause("door"), payload)
    assert home.publisher.commands([source_now("door")]) == {}


def test_a_command_that_the_broker_kept_is_not_executed() -> None:
    home = Home(commands=True)
    home.hear(TOPICS.pause("door"), b"ON", retain=True)
    assert home.publisher.commands([source_now("door")]) == {}


def test_without_permission_no_command_is_heard() -> None:
    home = Home()
    assert TOPICS.all_pauses not in home.publisher.subscriptions
    home.hear(TOPICS.pause("door"), b"ON")
    assert home.publisher.commands([source_now("door")]) == {}


def test_a_flood_of_commands_takes_bounded_memory() -> None:
    home = Home(commands=True)
    for number in range(10_000):
        home.hear(TOPICS.pause(f"source {number}"), b"ON")
        home.hear(TOPICS.device(number), b'{"o": {"name": "moodline"}}')
    assert len(home.publisher._pauses) == 100
    assert len(home.publisher._seen_devices) == 1000


def test_without_discovery_only_states_are_published() -> None:
    publisher = SourcePublisher(Topics("moodline", ""), commands=False)
    assert publisher.subscriptions == []
    publisher.note_connected()
    connection = Connection()
    publisher.publish(cast("Any", connection), [source_now("door")], {})
    assert {one.topic for one in connection.sent} == {"moodline/status", "moodline/door/state"}
