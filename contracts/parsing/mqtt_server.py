"""MqttServer: the address of an MQTT broker, as a setting or an alert's target names it."""

from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote, urlsplit

_SCHEMES: Final = {"mqtt": (False, 1883), "mqtts": (True, 8883)}
"""Whether the connection is encrypted, and the usual port."""
_EXAMPLE: Final = "example: mqtts://broker.local:8883, with USER:PASSWORD@ before the host"


@dataclass(frozen=True, slots=True)
class MqttServer:
    """An MQTT broker. user, password: "" for none. ca_file: PEM file of the authority that signed
    the broker's certificate, or "" for those of the system.
    """

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""

    @classmethod
    def parse(cls, url: str, *, password: str = "", ca_file: str = "") -> Self:
        """Return the broker of `mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]`.

        password: goes before the one in the URL. Raises ValueError, without the URL's password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise ValueError(f"it is not an MQTT URL ({_EXAMPLE})") from exc
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise ValueError(f"it is not mqtt://HOST or mqtts://HOST ({_EXAMPLE})")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(
                f"something stands behind its host; write a special character of the password "
                f"as %XX ({_EXAMPLE})"
            )
        tls, usual_port = _SCHEMES[parts.scheme]
        given = password or unquote(parts.password or "")
        if given and not parts.username:
            raise ValueError(f"it has a password and no user name ({_EXAMPLE})")
        return cls(
            parts.hostname, port or usual_port, tls, unquote(parts.username or ""), given, ca_file
        )

    def __str__(self) -> str:
        """The address without user name and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_mqtt_server(value: str | MqttServer | None) -> MqttServer | None:
    """Return the broker in the text of a setting; None for "". Raises ValueError."""
    return MqttServer.parse(value) if isinstance(value, str) and value else value or None
