"""AlertTarget: a place to which events are delivered, as its owner gives it."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from contracts.alerts.events import TargetKind
from contracts.alerts.rule import check_name
from contracts.errors import AlertError
from contracts.parsing.mqtt_server import MqttServer

MAX_ADDRESS_LENGTH: Final = 2048
DEFAULT_TOPIC: Final = "moodline/alerts"
_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9+/]{32,86}={0,2}")
_APPRISE: Final = re.compile(r"[a-z][a-z0-9+]{1,30}://\S+", re.IGNORECASE)
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class AlertTarget:
    """A target. It is checked when it is made: AlertError names the wrong field, not its value.

    address: an http(s) URL of a webhook, an Apprise URL, or mqtt(s)://HOST/TOPIC. It may hold
    credentials. secret: signs webhooks, as `whsec_` and base64; "" for other kinds. private:
    whether the owner of this host named it, so that it may be in a private network or this host.
    """

    name: str
    kind: TargetKind
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)
    private: bool = False

    def __post_init__(self) -> None:
        check_name("name", self.name)
        address = self.address
        if len(address) > MAX_ADDRESS_LENGTH or not address.isprintable() or " " in address:
            raise AlertError("url", "it is too long, or has a space in it", "Write %20 for a space")
        if self.kind is TargetKind.WEBHOOK:
            webhook_parts(address)
            if not _SECRET.fullmatch(self.secret):
                raise AlertError(
                    "secret",
                    "it is not a secret of Standard Webhooks",
                    'Make one: echo "whsec_$(openssl rand -base64 32)"',
                )
        elif self.kind is TargetKind.MQTT:
            mqtt_address(address)
        elif not _APPRISE.fullmatch(address) or address.startswith(("http:", "https:")):
            raise AlertError(
                "url",
                "it is not an Apprise URL",
                "For example ntfy://TOPIC or tgram://TOKEN/CHAT; github.com/caronc/apprise has all",
            )

    @property
    def shown_address(self) -> str:
        """The address for people, without what may be secret: paths of webhooks often are."""
        if self.kind is TargetKind.MQTT:
            server, topic = mqtt_address(self.address)
            return f"{server}/{topic}"
        parts = urlsplit(self.address)
        if self.kind is TargetKind.APPRISE:
            return f"{parts.scheme}://…"
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}/…"


def webhook_parts(url: str) -> SplitResult:
    """Return the parts of a webhook's URL. Raises AlertError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise AlertError(
            "url",
            "it is not the URL of a webhook",
            "For example https://example.com/hooks/moodline",
        )
    return parts


def webhook_port(parts: SplitResult) -> int:
    """Return the port of a webhook's URL."""
    return parts.port or _PORTS[parts.scheme]


def mqtt_address(address: str) -> tuple[MqttServer, str]:
    """Return the broker and the topic of mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC].

    Raises AlertError.
    """
    scheme, _, rest = address.partition("://")
    place, _, topic = rest.partition("/")
    try:
        server = MqttServer.parse(f"{scheme}://{place}")
    except ValueError as exc:
        raise AlertError("url", str(exc)) from exc
    topic = topic or DEFAULT_TOPIC
    if any(sign in topic for sign in "+#") or topic.startswith("$"):
        raise AlertError("url", f"{topic!r} is not a topic", "Use levels such as home/alerts")
    return server, topic
