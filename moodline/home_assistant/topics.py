"""The MQTT topics that moodline publishes to and subscribes to."""

import re
from dataclasses import dataclass
from typing import Final

from runtime.mqtt.messages import topic_level

_NOT_IN_ID: Final = re.compile(r"[^a-zA-Z0-9_-]+")
_BIRTH: Final = "status"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics below `prefix`, and those of Home Assistant below `discovery` ("": none).

    Two systems of moodline that share an MQTT broker need different prefixes.
    """

    prefix: str
    discovery: str

    @property
    def availability(self) -> str:
        """The topic that says whether moodline runs: online or offline."""
        return f"{self.prefix}/status"

    def state(self, source: str) -> str:
        """The topic of a source's state, as JSON."""
        return f"{self.prefix}/{topic_level(source)}/state"

    def pause(self, source: str) -> str:
        """The topic of commands that pause or resume a source."""
        return f"{self.prefix}/{topic_level(source)}/pause/set"

    @property
    def all_pauses(self) -> str:
        """The topics of all those commands."""
        return f"{self.prefix}/+/pause/set"

    def paused_level(self, topic: str) -> str | None:
        """Return the level of the source that a command's topic names; None for another topic."""
        begin, end = f"{self.prefix}/", "/pause/set"
        if not topic.startswith(begin) or not topic.endswith(end):
            return None
        return topic[len(begin) : -len(end)]

    def device_id(self, source_pk: int) -> str:
        """The id of a source's device: the same after it is renamed."""
        return f"{self._id_prefix}{source_pk}"

    def device(self, source_pk: int) -> str:
        """The topic of the description of a source's device."""
        return f"{self.discovery}/device/{self.device_id(source_pk)}/config"

    @property
    def all_devices(self) -> str:
        """The topics of all devices that anybody describes."""
        return f"{self.discovery}/device/+/config"

    def device_pk(self, topic: str) -> int | None:
        """Return the key of the source whose device's topic this is; None for another topic."""
        pattern = re.escape(f"{self.discovery}/device/{self._id_prefix}") + r"([0-9]{1,18})/config"
        found = re.fullmatch(pattern, topic)
        return int(found[1]) if found else None

    @property
    def birth(self) -> str:
        """The topic in which Home Assistant says that it has started."""
        return f"{self.discovery}/{_BIRTH}"

    @property
    def _id_prefix(self) -> str:
        return f"{_NOT_IN_ID.sub('_', self.prefix)}_"
