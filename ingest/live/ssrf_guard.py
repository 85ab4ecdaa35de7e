"""SSRF guard: which hosts may be connected to as a camera.

A user of the dashboard must not reach servers through this host that only this host can reach, nor
may a camera that redirects there. Hosts of the local network and of the internet are allowed; this
host, metadata servers of clouds, and multicast and reserved addresses are not. An administrator may
allow single ports of this host, where restream servers listen.
"""

import re
import socket
from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from contracts.errors import OwnHostError, SourceError
from contracts.parsing.addresses import HostPort

DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
NETWORK_SCHEMES: Final = tuple(DEFAULT_PORTS)
_MAX_WEBCAMS: Final = 64
_MAX_LENGTH: Final = 2048
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_DEVICE: Final = re.compile(r"/dev/video(\d{1,2})")
_METADATA: Final = frozenset(
    map(
        ip_address,
        ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)
_REFUSED: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # This network: some systems take it for this host.
            "192.0.0.0/24",  # Assignments of the IETF, such as a metadata server.
            "fec0::/10",  # Site-local, which are deprecated.
            "64:ff9b:1::/48",  # NAT64 of one network: where it leads is not known.
        ),
    )
)
_EMBEDDING: Final = (ip_network("64:ff9b::/96"), ip_network("::/96"))
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_NEVER_OWN: Final = ip_address("192.0.2.1")
"""An address for documentation, which no interface has."""

_Address = IPv4Address | IPv6Address
Resolver = Callable[[str], Sequence[str]]


def resolve_host(host: str) -> list[str]:
    """Return all IP addresses of a host name. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return sorted({str(info[4][0]).partition("%")[0] for info in found})


def check_address(uri: str) -> None:
    """Raise SourceError if a network URI is ambiguous. The message does not quote the URI."""
    if any(one.isspace() or not one.isprintable() for one in uri):
        raise SourceError("the address contains a space", hint="Write the space as %20")
    _authority, *behind = _AUTHORITY_END.split(uri.partition("://")[2], maxsplit=1)
    if "@" in "".join(behind):
        raise SourceError(
            "the address has a /, ? or # before its last @",
            hint="In the user name and password write / as %2F, ? as %3F and # as %23; after the "
            "host write @ as %40",
        )
    if not split_uri(uri).hostname:
        raise SourceError("the address has no host", hint="Example: rtsp://camera.local/live")


def check_form_address(
    uri: str,
    allowed: Collection[str] = (),
    resolve: Resolver = resolve_host,
    own: Collection[HostPort] = (),
) -> None:
    """Raise SourceError unless a web form may name this URI: a webcam or a network camera.

    allowed: host names and addresses that the owner of this host accepts without a check. own:
    ports of this host that an administrator allowed. Raises OwnHostError if one more would do.
    """
    if uri.isdecimal() and int(uri) < _MAX_WEBCAMS:
        return
    if _DEVICE.fullmatch(uri):
        return
    if len(uri) > _MAX_LENGTH or not uri.isprintable() or any(one.isspace() for one in uri):
        raise SourceError("not a valid address", hint="Example: rtsp://camera.local/live")
    if "${" in uri:
        raise SourceError(
            "the address refers to an environment variable, which a form cannot use",
            hint="Add the source with `moodline source add` on the host of moodline",
        )
    parts = split_uri(uri)
    if parts.scheme not in NETWORK_SCHEMES or not parts.hostname:
        raise SourceError(
            f"{parts.scheme + '://' if parts.scheme else 'this'} is not a camera address",
            hint="Use rtsp://, rtsps://, http:// or https://, or the number of a webcam. "
            "To add a recording, use the page Recordings",
        )
    check_address(uri)
    place = HostPort(parts.hostname, port_of(parts))
    try:
        check_host(parts.hostname, allowed, resolve, own=place in own)
    except OwnHostError as exc:
        raise OwnHostError(str(exc), hint=exc.hint, place=str(place)) from exc


def check_host(
    host: str,
    allowed: Collection[str] = (),
    resolve: Resolver = resolve_host,
    *,
    own: bool = False,
) -> list[str]:
    """Return the host's addresses, all of them allowed. A host in `allowed` is not resolved: [].

    own: whether it may be this host. Raises SourceError if the host is not allowed or not found,
    and OwnHostError if it would be allowed with `own`. They do not quote the addresses: a form must
    not tell names of this network.
    """
    if host.lower() in {one.lower() for one in allowed}:
        return []
    try:
        addresses = list(resolve(host))
    except (OSError, UnicodeError) as exc:
        raise SourceError(
            f"host {host} not found", hint="Check its name, and that it is switched on"
        ) from exc
    if not addresses:
        raise SourceError(f"host {host} not found", hint="Check its name")
    refused = [one for one in map(ip_address, addresses) if is_refused(one)]
    may_be_allowed = all(map(is_of_this_host, refused))
    if refused and not (own and may_be_allowed):
        # In the same words for both: only an administrator learns which it is.
        kind = OwnHostError if may_be_allowed else SourceError
        raise kind(
            f"{host} is this host or another host that is not allowed as a camera",
            hint="If it is a camera or a restream, ask an administrator to allow it, or add the "
            "host to MOODLINE_SOURCE_HOSTS",
        )
    return addresses


def is_refused(address: _Address) -> bool:
    """Return whether the address is of this host, of a metadata server, or not of a camera."""
    if isinstance(address, IPv6Address) and any(map(is_refused, _embedded(address))):
        return True
    return address.is_loopback or _is_special(address) or is_own(address)


def is_of_this_host(address: _Address) -> bool:
    """Return whether the address is of this host, and of no other kind that is refused."""
    return address.is_loopback or (not _is_special(address) and is_own(address))


def _is_special(address: _Address) -> bool:
    return (
        address in _METADATA
        or any(address in network for network in _REFUSED)
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    )


def is_own(address: _Address) -> bool:
    """Return whether an interface of this host has the address."""
    if not _binds(_NEVER_OWN):
        return _binds(address)
    # The kernel binds to every address (ip_nonlocal_bind): ask it for the way to this one instead.
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))  # Sends nothing.
            return bool(probe.getsockname()[0] == str(address))
    except OSError:
        return False


def _binds(address: _Address) -> bool:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def split_uri(uri: str) -> SplitResult:
    """Return the parts of a URI. Raises SourceError if its host or port is not valid."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise SourceError("not a valid address", hint="Check the host, the port and the brackets")
    return parts


def port_of(parts: SplitResult) -> int:
    """Return the URI's port, or the default of its scheme."""
    return parts.port or DEFAULT_PORTS[parts.scheme]


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses in an IPv6 address: of tunnels, and of translation."""
    last = IPv4Address(int(address) & 0xFFFF_FFFF)
    found = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    found += address.teredo or ()
    if any(address in network for network in _EMBEDDING):
        found.append(last)
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        found.append(last)
    return found
