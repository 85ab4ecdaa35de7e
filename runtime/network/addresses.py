"""Network addresses: which of them are of this host, or of nobody that may be reached.

A user of moodline must not reach servers through this host that only this host can reach.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

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

Address = IPv4Address | IPv6Address
Resolver = Callable[[str], Sequence[str]]


def resolve_host(host: str) -> list[str]:
    """Return all IP addresses of a host name. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return sorted({str(info[4][0]).partition("%")[0] for info in found})


def is_refused(address: Address) -> bool:
    """Return whether the address is of this host, of a metadata server, or not of a camera."""
    if isinstance(address, IPv6Address) and any(map(is_refused, _embedded(address))):
        return True
    return address.is_loopback or _is_special(address) or is_own(address)


def is_of_this_host(address: Address) -> bool:
    """Return whether the address is of this host, and of no other kind that is refused."""
    return address.is_loopback or (not _is_special(address) and is_own(address))


def _is_special(address: Address) -> bool:
    return (
        address in _METADATA
        or any(address in network for network in _REFUSED)
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    )


def is_own(address: Address) -> bool:
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


def _binds(address: Address) -> bool:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


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


def is_special(address: Address) -> bool:
    """Return whether nobody may be meant: metadata servers, multicast, link-local, reserved."""
    if isinstance(address, IPv6Address) and any(map(is_special, _embedded(address))):
        return True
    return not address.is_loopback and _is_special(address)


def is_public(address: Address) -> bool:
    """Return whether the address is one of the internet, and not of a private network."""
    if isinstance(address, IPv6Address) and not all(map(is_public, _embedded(address))):
        return False
    return address.is_global and not is_refused(address)
