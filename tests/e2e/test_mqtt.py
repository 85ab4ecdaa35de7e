"""`moodline up` with an MQTT broker: a device for each source, until moodline is killed."""

from pathlib import Path

from tests.e2e.commands import Installation
from tests.e2e.live_stack import LiveStack
from tests.home_assistant import accepted_device, accepted_values
from tests.mqtt_broker import MqttBroker, MqttListener

UNAVAILABLE_S = 30
SECRET = "mqtt-s3cret"
"""Mosquitto accepts any password if it has no file of passwords."""
DEVICE, STATE = "homeassistant/device/moodline_1/config", "moodline/door/state"


def test_sources_are_devices_and_a_killed_moodline_is_unavailable(tmp_path: Path) -> None:
    with MqttBroker(tmp_path) as broker, MqttListener(broker) as listener:
        url = broker.url.replace("//", f"//someone:{SECRET}@")
        home = Installation(tmp_path / "home", {"MOODLINE_MQTT_URL": url})
        stack = LiveStack(home, tmp_path / "up.log")
        stack.start()
        try:
            stack.add("door", "http://127.0.0.1:9/none.mjpg")
            listener.wait_for(lambda one: DEVICE in one.kept, "no device")
            device = accepted_device(listener.kept[DEVICE])
            listener.wait_for(lambda one: STATE in dict(one.messages), "no state")
            values = accepted_values(device, dict(listener.messages)[STATE])
            assert values["connectivity"] == "OFF"
            shown = home.run("status", "--json").stdout
            shown += "".join(" ".join(process.cmdline()) for process in stack.processes())
        finally:
            stack.kill()
        waited_s = listener.wait_for(
            lambda one: one.kept[device.availability_topic] == b"offline", "it seems to run"
        )
    assert waited_s < UNAVAILABLE_S
    assert SECRET not in stack.log.read_text() + shown
