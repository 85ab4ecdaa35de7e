"""Devices: how a source is described to Home Assistant, and its state as JSON.

Method: MQTT discovery of devices (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery),
which Home Assistant has since version 2024.11.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from analytics.now.live_status import NOT_ANALYZED, UNKNOWN, UNSUPERVISED
from analytics.now.people_in_view import NOBODY
from contracts.expressions import LABELS
from contracts.live_sources import LiveSource, LiveState
from moodline.adapters.sources_now import SourceNow
from moodline.home_assistant.topics import Topics
from runtime.mqtt.messages import MqttMessage
from runtime.version import moodline_version

ON, OFF = "ON", "OFF"
ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
EXPIRE_AFTER_S: Final = 30
"""Home Assistant shows a value as unavailable this long after it came last."""
STATES: Final = (*map(str, LiveState), NOT_ANALYZED, UNSUPERVISED, UNKNOWN)


def device_message(source: LiveSource, topics: Topics, *, commands: bool) -> MqttMessage:
    """Return the description of a source's device, which the broker keeps.

    commands: whether the device has a switch that pauses the source.
    """
    version = moodline_version()
    device_id = topics.device_id(source.pk)
    payload = {
        "dev": {
            "ids": [device_id],
            "name": source.name,
            "mf": "moodline",
            "mdl": "live source",
            "sw": version,
        },
        "o": {"name": "moodline", "sw": version},
        "availability_topic": topics.availability,
        "state_topic": topics.state(source.name),
        "qos": 1,
        "cmps": {
            key: {"unique_id": f"{device_id}_{key}", **component}
            for key, component in _sensors(topics.state(source.name)).items()
        }
        | {"pause": _pause_switch(source, topics) if commands else {"p": "switch"}},
    }
    return MqttMessage(topics.device(source.pk), _json(payload), retain=True)


def removed_device(source_pk: int, topics: Topics) -> MqttMessage:
    """Return the message that removes a source's device."""
    return MqttMessage(topics.device(source_pk), b"", retain=True)


def state_message(now: SourceNow, coverage: float | None, topics: Topics) -> MqttMessage:
    """Return the state of a source. What is not known is null. coverage: of the last hour, 0..1."""
    view, status = now.view, now.status
    values = {
        "state": status.state,
        "reason": status.reason,
        "connectivity": ON if now.is_streaming else OFF,
        "fps": round(status.fps, 1) if now.is_streaming else 0.0,
        "people": None if view is None else view.people,
        "expression": None if view is None else view.expression,
        "confidence": None if view is None else _percent(view.confidence),
        "valence": None if view is None or view.valence is None else round(view.valence, 2),
        "coverage": _percent(coverage),
        "paused": ON if now.source.paused else OFF,
    }
    return MqttMessage(topics.state(status.name), _json(values))


def _sensors(state_topic: str) -> dict[str, dict[str, Any]]:
    return {
        "state": _sensor("State", "state", device_class="enum", options=[*STATES])
        | {
            "json_attributes_topic": state_topic,
            "json_attributes_template": "{{ {'reason': value_json.reason} | tojson }}",
        },
        "connectivity": _component("binary_sensor", "Connectivity", "connectivity")
        | {"device_class": "connectivity", "payload_on": ON, "payload_off": OFF},
        "people": _sensor(
            "People in view", "people", state_class="measurement", icon="mdi:account-group"
        ),
        "expression": _sensor(
            "Leading expression",
            "expression",
            device_class="enum",
            options=[*LABELS, NOBODY],
            icon="mdi:emoticon-outline",
        ),
        "confidence": _percentage("Confidence", "confidence", "mdi:check-decagram-outline"),
        "valence": _sensor(
            "Valence",
            "valence",
            state_class="measurement",
            suggested_display_precision=2,
            icon="mdi:emoticon-happy-outline",
        ),
        "coverage": _percentage("Coverage of the last hour", "coverage", "mdi:timeline-check"),
        "fps": _sensor(
            "Frames per second",
            "fps",
            state_class="measurement",
            entity_category="diagnostic",
            icon="mdi:filmstrip",
        ),
    }


def _component(platform: str, name: str, value: str) -> dict[str, Any]:
    return {
        "p": platform,
        "name": name,
        "value_template": f"{{{{ value_json.{value} }}}}",
        "expire_after": EXPIRE_AFTER_S,
    }


def _sensor(name: str, value: str, **more: object) -> dict[str, Any]:
    return _component("sensor", name, value) | more


def _percentage(name: str, value: str, icon: str) -> dict[str, Any]:
    return _sensor(name, value, state_class="measurement", unit_of_measurement="%", icon=icon)


def _pause_switch(source: LiveSource, topics: Topics) -> dict[str, Any]:
    return {
        "p": "switch",
        "unique_id": f"{topics.device_id(source.pk)}_pause",
        "name": "Paused",
        "command_topic": topics.pause(source.name),
        "value_template": "{{ value_json.paused }}",
        "payload_on": ON,
        "payload_off": OFF,
        "icon": "mdi:pause-circle-outline",
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def _json(values: Mapping[str, object]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()
