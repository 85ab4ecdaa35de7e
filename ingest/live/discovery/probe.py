"""The probe of WS-Discovery: cameras that answer in the local network.

Method: WS-Discovery over UDP, as section 7 of the ONVIF Core Specification uses it. Anybody in the
network can answer: an answer is believed only about the address that it comes from.
"""

import re
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from contracts.errors import SourceError
from contracts.parsing.addresses import HostPort

PORT: Final = 3702
_GROUP: Final = "239.255.255.250"
_HOPS: Final = 1
_REPEAT_S: Final = 0.5
_LONGEST: Final = 65_536
_MOST: Final = 256
_SCOPE: Final = re.compile(r"onvif://www\.onvif\.org/(name|hardware|location)/(.{1,128})")
_NAMES: Final = {
    "d": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
}
_PROBE: Final = """<?xml version="1.0" encoding="utf-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:n="http://www.onvif.org/ver10/network/wsdl"><e:Header>
<a:MessageID>uuid:{id}</a:MessageID>
<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>
<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></e:Header>
<e:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A camera. service: where its ONVIF service listens. name, hardware, location: as it says."""

    address: str
    service: HostPort
    name: str
    hardware: str
    location: str


def probe(timeout_s: float, asked: HostPort | None = None) -> list[FoundDevice]:
    """Return the devices that answer within `timeout_s`, by address.

    asked: one device; None asks the whole local network. Raises SourceError if there is none.
    """
    target = (_GROUP, PORT) if asked is None else (asked.host, asked.port)
    found: dict[tuple[str, HostPort], FoundDevice] = {}
    message = _PROBE.format(id=uuid.uuid4()).encode()
    begin_s = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _HOPS)
        try:
            sock.sendto(message, target)
            repeated = False
            while (left_s := begin_s + timeout_s - time.monotonic()) > 0 and len(found) < _MOST:
                if not repeated and time.monotonic() - begin_s > _REPEAT_S:
                    sock.sendto(message, target)  # UDP loses some.
                    repeated = True
                sock.settimeout(min(left_s, _REPEAT_S))
                try:
                    data, (address, _) = sock.recvfrom(_LONGEST)
                except TimeoutError:
                    continue
                for one in read_answer(data, address):
                    found[one.address, one.service] = one
        except OSError as exc:
            raise SourceError(
                f"cannot ask {target[0]} for cameras: {exc.strerror or exc}",
                hint="Check that this host has a network, and name a camera with --address",
            ) from exc
    return sorted(found.values(), key=lambda one: (one.address, str(one.service)))


def read_answer(data: bytes, address: str) -> Iterator[FoundDevice]:
    """Yield the devices of an answer that came from `address`; nothing of what is not valid."""
    if b"<!" in data:  # A document type could make a short text a huge one.
        return
    try:
        root = ElementTree.fromstring(data)  # noqa: S314
    except (ElementTree.ParseError, LookupError, ValueError):
        return
    for match in root.iterfind(".//d:ProbeMatch", _NAMES):
        scopes = dict(_scopes(match.findtext("d:Scopes", "", _NAMES)))
        for url in match.findtext("d:XAddrs", "", _NAMES).split():
            if (service := _service(url)) is not None and service.host == address:
                yield FoundDevice(
                    address,
                    service,
                    scopes.get("name", ""),
                    scopes.get("hardware", ""),
                    scopes.get("location", ""),
                )
                break


def _scopes(text: str) -> Iterator[tuple[str, str]]:
    for scope in text.split():
        if found := _SCOPE.fullmatch(scope):
            yield found[1], unquote(found[2])


def _service(url: str) -> HostPort | None:
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            return None
        return HostPort(parts.hostname, parts.port or 80)
    except ValueError:
        return None
