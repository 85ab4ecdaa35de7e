"""The schemas by which Home Assistant accepts a device and the values of its entities.

From the schemas of its MQTT integration, version 2026.11: keys that it does not know are refused.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter


def _topic(value: str) -> str:
    assert value and not set("+#\0") & set(value), value
    return value


def _id(value: str) -> str:
    assert value and all(one.isascii() and (one.isalnum() or one in "_-") for one in value), value
    return value


Topic = Annotated[str, AfterValidator(_topic)]
Id = Annotated[str, AfterValidator(_id)]
Text = Annotated[str, Field(min_length=1)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class DeviceInfo(Strict):
    ids: Annotated[list[Id], Field(min_length=1)]
    name: Text
    mf: str
    mdl: str
    sw: str


class Origin(Strict):
    name: Text
    sw: str


class Entity(Strict):
    unique_id: Id
    name: Text
    value_template: Text
    icon: Annotated[str | None, Field(pattern="^mdi:[a-z-]+$")] = None


class Sensor(Entity):
    p: Literal["sensor"]
    expire_after: Annotated[int, Field(gt=0)]
    device_class: Literal["enum"] | None = None
    options: Annotated[list[Text] | None, Field(min_length=1)] = None
    state_class: Literal["measurement"] | None = None
    unit_of_measurement: str | None = None
    suggested_display_precision: int | None = None
    entity_category: Literal["diagnostic"] | None = None
    json_attributes_topic: Topic | None = None
    json_attributes_template: str | None = None


class BinarySensor(Entity):
    p: Literal["binary_sensor"]
    expire_after: Annotated[int, Field(gt=0)]
    device_class: Literal["connectivity"]
    payload_on: str
    payload_off: str


class Switch(Entity):
    p: Literal["switch"]
    command_topic: Topic
    payload_on: str
    payload_off: str


class Removed(Strict):
    """A component with its platform alone is removed."""

    p: Literal["switch"]


class Device(Strict):
    dev: DeviceInfo
    o: Origin
    availability_topic: Topic
    state_topic: Topic
    qos: Literal[0, 1, 2]
    cmps: dict[Id, Sensor | BinarySensor | Switch | Removed]


class State(Strict):
    """The JSON of a state; None renders as unknown."""

    state: str
    reason: str
    connectivity: Literal["ON", "OFF"]
    fps: Annotated[float, Field(ge=0)]
    people: Annotated[int | None, Field(ge=0)]
    expression: str | None
    confidence: Annotated[float | None, Field(ge=0, le=100)]
    valence: Annotated[float | None, Field(ge=-1, le=1)]
    coverage: Annotated[float | None, Field(ge=0, le=100)]
    paused: Literal["ON", "OFF"]


def accepted_device(payload: bytes) -> Device:
    """Return the device, or fail."""
    device = TypeAdapter(Device).validate_json(payload)
    for one in device.cmps.values():
        if isinstance(one, Sensor):
            # As Home Assistant's sensors check it.
            assert (one.device_class == "enum") == (one.options is not None)
            assert one.device_class is None or one.state_class is None
    ids = [one.unique_id for one in device.cmps.values() if isinstance(one, Entity)]
    assert len(set(ids)) == len(ids)
    return device


def accepted_values(device: Device, payload: bytes) -> dict[str, Any]:
    """Return the value of each entity by its key, as its template gives it, or fail."""
    from jinja2 import Environment

    TypeAdapter(State).validate_json(payload)
    values = {}
    for key, one in device.cmps.items():
        if isinstance(one, Removed):
            continue
        text = Environment(autoescape=False).from_string(one.value_template)
        value = text.render(value_json=json.loads(payload))
        if isinstance(one, Sensor) and value != "None":
            if one.options is not None:
                assert value in one.options
            if one.state_class is not None:
                float(value)
        if isinstance(one, (BinarySensor, Switch)):
            assert value in (one.payload_on, one.payload_off)
        values[key] = value
    return values
