"""Live sources over a real MQTT broker: TLS, passwords, reconnecting, devices and commands."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import Engine, select

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.live_view import FaceReading, SourceView
from broker.presence import Presence
from broker.reports import SourceReport, WorkerReport
from contracts.errors import MqttError, RiskError
from contracts.expressions import EXPRESSIONS
from contracts.parsing.mqtt_server import MqttServer
from contracts.settings import Settings
from contracts.times import to_micros, utc_now
from moodline.commands.admin.installation_checks import check_mqtt
from moodline.home_assistant.bridge import HomeAssistantBridge
from records.audit_actions import Action
from records.broker_key import read_broker_key
from records.database import reading
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    find_source,
    pause_source,
    remove_source,
)
from records.tables.operations import AuditEntry
from runtime.mqtt import connection as connection_module
from runtime.mqtt.connection import MqttConnection, deliver
from runtime.mqtt.messages import MqttMessage
from tests.e2e.commands import poll
from tests.home_assistant import accepted_device, accepted_values
from tests.mqtt_broker import PASSWORD, PATIENCE_S, USER, MqttBroker, MqttListener
from tests.rtsp import free_ports

DOOR = "homeassistant/device/moodline_1/config"
MESSAGE = MqttMessage("moodline/test", b"1", retain=True)


@pytest.fixture(scope="module")
def mqtt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MqttBroker]:
    with MqttBroker(tmp_path_factory.mktemp("mqtt")) as broker:
        yield broker


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA
) -> Iterator[MqttBroker]:
    with MqttBroker(tmp_path_factory.mktemp("guarded"), authority, PASSWORD) as broker:
        yield broker


@pytest.fixture
def ca_file(tmp_path: Path, authority: trustme.CA) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def test_messages_are_delivered_with_tls_and_a_password(guarded: MqttBroker, ca_file: str) -> None:
    server = MqttServer("127.0.0.1", guarded.port, True, USER, PASSWORD, ca_file)
    deliver(server, "test", [MESSAGE, MESSAGE], PATIENCE_S)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"password": "wr0ng-s3cret"}, "not authorised|Not authorized"),
        ({"ca_file": ""}, "certificate is not valid"),
        ({"tls": False}, "cannot connect|connection ended|refuses"),
    ],
)
def test_a_delivery_that_is_refused_says_why_without_secrets(
    guarded: MqttBroker, ca_file: str, values: dict[str, Any], reason: str
) -> None:
    usual = {"tls": True, "user": USER, "password": PASSWORD, "ca_file": ca_file}
    server = MqttServer("127.0.0.1", guarded.port, **(usual | values))
    with pytest.raises(MqttError, match=reason) as error:
        deliver(server, "test", [MESSAGE], PATIENCE_S)
    assert "s3cret" not in error.value.line() and USER not in error.value.line()


def test_a_certificate_of_another_host_is_refused(guarded: MqttBroker, ca_file: str) -> None:
    server = MqttServer("localhost", guarded.port, True, USER, PASSWORD, ca_file)
    with pytest.raises(MqttError, match="certificate is not valid"):
        deliver(server, "test", [MESSAGE], PATIENCE_S)


def test_doctor_says_whether_the_broker_can_be_used(guarded: MqttBroker, ca_file: str) -> None:
    url = f"mqtts://{USER}@127.0.0.1:{guarded.port}"
    settings = Settings(mqtt_url=url, mqtt_password=PASSWORD, mqtt_ca=ca_file)
    assert check_mqtt(settings) == f"mqtts://127.0.0.1:{guarded.port}"
    wrong = settings.model_copy(update={"mqtt_password": "wr0ng-s3cret"})
    with pytest.raises(RiskError, match="sources are not published: mqtts://127") as error:
        check_mqtt(wrong)
    assert "s3cret" not in error.value.line()


def test_a_scheduler_reports_a_broker_that_stays_away(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    settings = Settings(home=tmp_path, mqtt_url=f"mqtt://me:s3cret@127.0.0.1:{port}")
    bridge = HomeAssistantBridge(settings, sqlite_engine, lambda: True, step_s=0.05)
    with bridge:
        poll(lambda: bridge._connection is not None)
        assert bridge.trouble == "", "it may be a restart"
        bridge._connected_at_s -= 60
        poll(lambda: "Connection refused" in bridge.trouble)
        assert "s3cret" not in bridge.trouble


def test_a_broker_that_sends_what_is_not_mqtt_ends_no_connection_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "_LONGEST_PAUSE_S", 1)
    heard: list[str] = []
    welcome, message = b"\x20\x02\x00\x00", b"\x30\x06\x00\x01a123"
    answers = {
        "a topic that is no text, and then a message": b"\x30\x04\x00\x02\xff\xfe" + message,
        "an empty answer to a subscription": b"\x90\x00",
        "a message": message,
    }
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers.values():
            client, _ = listener.accept()
            client.recv(1000)
            before = len(heard)
            client.sendall(welcome + answer)
            if answer.endswith(message):
                poll(partial(lambda count: len(heard) > count, before))
            client.close()

    threading.Thread(target=serve, daemon=True).start()
    server = MqttServer("127.0.0.1", listener.getsockname()[1], tls=False)
    with MqttConnection(server, "test", on_message=lambda one: heard.append(one.topic)):
        poll(lambda: heard == ["a", "a"])
    listener.close()


def test_a_connection_comes_back_with_its_broker(tmp_path: Path) -> None:
    connected = threading.Semaphore(0)
    with MqttBroker(tmp_path) as broker:
        server = MqttServer.parse(broker.url)
        with MqttConnection(server, "test", on_connected=connected.release) as connection:
            assert connected.acquire(timeout=PATIENCE_S)
            broker.stop()
            while connection.is_connected:
                connection._connected.wait(0.01)
            assert connection.publish(MESSAGE) is None
            assert "s3cret" not in connection.trouble and str(broker.port) in connection.trouble
            broker.start()
            assert connected.acquire(timeout=PATIENCE_S)
            sent = connection.publish(MESSAGE)
            assert sent is not None
            sent.wait_for_publish(PATIENCE_S)
            assert connection.trouble == ""


@contextmanager
def bridged(
    engine: Engine, settings: Settings, active: threading.Event | None = None
) -> Iterator[None]:
    """Publish the sources as the scheduler does."""
    is_active = active.is_set if active is not None else lambda: True
    with HomeAssistantBridge(settings, engine, is_active, step_s=0.1):
        yield


@pytest.fixture
def settings(
    mqtt: MqttBroker, broker: EmbeddedBroker, tmp_path: Path, request: pytest.FixtureRequest
) -> Settings:
    """Settings with topics of the test's own."""
    return Settings(
        home=tmp_path,
        redis_url=broker.url,
        mqtt_url=mqtt.url,
        mqtt_commands=True,
        mqtt_prefix=f"moodline/{request.node.name}",
    )


def device_topic(settings: Settings, pk: int) -> str:
    return f"homeassistant/device/{settings.mqtt_prefix.replace('/', '_')}_{pk}/config"


def add(engine: Engine, name: str) -> None:
    address = f"rtsp://{name}.local"
    add_source(engine, name, SourceSettings(address, address, None, 5, 720))


def test_a_source_is_a_device_until_it_is_removed(
    mqtt: MqttBroker, broker: EmbeddedBroker, sqlite_engine: Engine, settings: Settings
) -> None:
    engine = sqlite_engine
    add(engine, "door")
    bus = Bus.connect(broker.url, read_broker_key(engine))
    now = utc_now()
    report = SourceReport("door", "streaming", "", now.isoformat(), "here", "run1", 12.5, 0.25)
    Presence(bus, SourceReport).send_heartbeat(report, alive_for_s=600)
    worker = WorkerReport("w", "here", 1, "cpu", "m", runs=("run1",))
    Presence(bus, WorkerReport).send_heartbeat(worker, alive_for_s=600)
    happy = tuple(1.0 if one == "happy" else 0.0 for one in EXPRESSIONS)
    face = FaceReading(1, 0, 0, 0.1, 0.1, "happy", 0.9, happy)
    SourceView("door", "run1", to_micros(now), 64, 48, (face,)).publish(bus)
    bus.close()
    topic, prefix = device_topic(settings, 1), settings.mqtt_prefix

    with MqttListener(mqtt) as listener, bridged(engine, settings):
        listener.wait_for(lambda one: topic in one.kept, "no device")
        device = accepted_device(listener.kept[topic])
        assert device.dev.name == "door"
        listener.wait_for(
            lambda one: any(name == device.state_topic for name, _ in one.messages), "no state"
        )
        state = next(data for name, data in listener.messages if name == device.state_topic)
        values = accepted_values(device, state)
        found = values["state"], values["people"], values["expression"]
        assert found == ("streaming", "1", "happy")
        assert listener.kept[device.availability_topic] == b"online"
        assert device.state_topic not in listener.kept

        count = len(listener.messages)
        listener.publish("homeassistant/status", "online")
        listener.wait_for(
            lambda one: any(name == topic for name, _ in one.messages[count:]), "not again"
        )

        remove_source(engine, "door")
        listener.wait_for(lambda one: topic not in one.kept, "the device stays")
    with MqttListener(mqtt) as listener:
        listener.wait_for(lambda one: one.kept.get(f"{prefix}/status") == b"offline", "online")


def test_a_device_of_a_source_that_was_removed_meanwhile_is_removed(
    mqtt: MqttBroker, sqlite_engine: Engine, settings: Settings
) -> None:
    add(sqlite_engine, "door")
    topic = device_topic(settings, 1)
    with MqttListener(mqtt) as listener:
        with bridged(sqlite_engine, settings):
            listener.wait_for(lambda one: topic in one.kept, "no device")
        remove_source(sqlite_engine, "door")
        assert topic in listener.kept
        with bridged(sqlite_engine, settings):
            listener.wait_for(lambda one: topic not in one.kept, "the device stays")


def test_a_switch_pauses_a_source_and_the_audit_says_by_what(
    mqtt: MqttBroker, sqlite_engine: Engine, settings: Settings
) -> None:
    engine = sqlite_engine
    add(engine, "door")
    pause = f"{settings.mqtt_prefix}/door/pause/set"
    paused = f"{settings.mqtt_prefix}/door/state"
    with MqttListener(mqtt) as listener:
        listener.publish(pause, "ON", retain=True)  # An old command is not executed.
        with bridged(engine, settings):
            listener.wait_for_message(paused)
            assert not find_source(engine, "door").paused
            listener.publish(pause, "ON")
            listener.wait_for(
                lambda one: any(n == paused and b'"paused": "ON"' in d for n, d in one.messages),
                "not paused",
            )
            assert find_source(engine, "door").paused
        listener.publish(pause, "", retain=True)
    with reading(engine) as connection:
        actor = connection.execute(
            select(AuditEntry.actor).where(AuditEntry.action == Action.SOURCE_PAUSED)
        ).scalar_one()
    assert actor == "mqtt"


def test_without_permission_a_command_does_nothing(
    mqtt: MqttBroker, sqlite_engine: Engine, settings: Settings
) -> None:
    add(sqlite_engine, "door")
    plain = settings.model_copy(update={"mqtt_commands": False})
    topic = device_topic(settings, 1)
    with MqttListener(mqtt) as listener, bridged(sqlite_engine, plain):
        listener.wait_for(lambda one: topic in one.kept, "no device")
        assert accepted_device(listener.kept[topic]).cmps["pause"].model_dump() == {"p": "switch"}
        listener.publish(f"{settings.mqtt_prefix}/door/pause/set", "ON")
        for _ in range(2):
            pause_source(sqlite_engine, "door", paused=False)
            listener.publish("homeassistant/status", "online")
            listener.wait_for_message(topic)
        assert not find_source(sqlite_engine, "door").paused


def test_of_two_schedulers_the_active_one_publishes(
    mqtt: MqttBroker, sqlite_engine: Engine, settings: Settings
) -> None:
    add(sqlite_engine, "door")
    first, second = threading.Event(), threading.Event()
    first.set()
    topic, status = f"{settings.mqtt_prefix}/door/state", f"{settings.mqtt_prefix}/status"
    with (
        MqttListener(mqtt) as listener,
        bridged(sqlite_engine, settings, first),
        bridged(sqlite_engine, settings, second),
    ):
        listener.wait_for_message(topic)
        first.clear()
        second.set()
        listener.wait_for_message(topic)
        assert listener.kept[status] == b"online"
    assert (status, b"offline") not in listener.messages[:-1]
