"""Network addresses in settings and options: HOST:PORT, and which hosts are loopback."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Self

_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class HostPort:
    """An address to listen on. host: a name or an IP address, without brackets. port: 0 for any."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address in "HOST:PORT" or "[IPV6]:PORT". Raises ValueError."""
        host, _, port = text.rpartition(":")
        host = host.strip("[]")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > _MAX_PORT:
            raise ValueError(f"{text!r} is not HOST:PORT (example: 127.0.0.1:9464)")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`: localhost, 127.0.0.0/8 or ::1."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
